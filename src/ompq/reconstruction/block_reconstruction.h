#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <vector>

#include "ompq/core/progress.h"
#include "ompq/data/dataset.h"
#include "ompq/graph/layers.h"
#include "ompq/reconstruction/block_forward.h"
#include "ompq/reconstruction/block_state.h"
#include "ompq/reconstruction/block_training.h"
#include "ompq/rounding/calibration.h"
#include "ompq/rounding/gptq.h"

namespace ompq::reconstruction {

/// The weighting of squared errors of a block's output.
enum class ErrorWeight {
  Plain,
  Fisher,  ///< times the squared gradient of the network's loss by the output (BRECQ)
};

/// The step that is applied to a block.
enum class BlockMethod {
  Compensate,  ///< error-compensated rounding (gptq.h); blocks must be layer_blocks()
  Learn,       ///< rounding variables and steps are optimized (block_training.h)
  Restore,     ///< variance and mean of each output channel; blocks must be layer_blocks()
  Visit,       ///< only calls ReconstructionOptions::visit
};

/// Called with the inputs of the layer `layer` (an index of ReconstructionRequest::layers).
using LayerVisitor = std::function<void(std::size_t layer, const rounding::LayerInputs& inputs)>;

struct ReconstructionOptions {
  BlockMethod method = BlockMethod::Learn;
  rounding::GptqOptions gptq;    ///< for Compensate; its moments also for Restore
  bool restore_means = true;     ///< for Restore: bias correction
  bool restore_spreads = false;  ///< for Restore: norm re-estimation
  /// For Visit, for layers with input moments; blocks must be layer_blocks().
  LayerVisitor visit;
  ErrorWeight weight = ErrorWeight::Plain;
  /// Iterations, batch, rates, drop probability (QDrop: 0.5), threads.
  TrainingOptions training;
  bool learn_steps = true;  ///< also learn scales of activation quantizers (LSQ)
  std::uint64_t seed = 1;
  std::int64_t memory_bytes = std::int64_t{2}
                              << 30;      ///< limit for cached activations; beyond it: files
  std::filesystem::path cache_directory;  ///< for these; empty: the system's
  std::int64_t measured_rows = 256;       ///< samples for comparing before and after
  std::int64_t forward_batch = 32;
};

/// The network to be reconstructed, and its initial codes.
struct ReconstructionRequest {
  const graph::Graph& graph;  ///< float, batch norms folded, not fused
  const std::vector<graph::Layer>& layers;
  /// Discovery::blocks, or layer_blocks() for AdaRound.
  const std::vector<graph::Block>& blocks;
  /// Initial codes from nearest or error-compensated rounding; weights without codes and
  /// activations without quantizer stay float.
  rounding::NetworkCodes initial;
  data::Dataset& dataset;
  const std::vector<std::int64_t>& indices;
};

struct Reconstruction {
  rounding::NetworkCodes codes;      ///< for all weights and activations with initial ones
  std::vector<BlockReport> reports;  ///< one per block, in the order in which they ran
  std::int64_t file_bytes = 0;       ///< maximum of cached activations in temporary files
};

using BlockHandler = std::function<void(const BlockState&)>;

/// Finds the rounding of weights (and the scales of activation quantizers) block by block, so that
/// each block's output after the quantized prefix approximates the float network's. A block's
/// result is never worse than its initial codes on the samples used for comparison.
///
/// Memory: the activations at two cuts through the network for all samples, 2 bytes per element, of
/// which `memory_bytes` stay in memory. Samples are decoded once.
///
/// @param finished  blocks that an interrupted run finished, in their order: with the same request,
/// options and threads, the result is bit-identical to an uninterrupted run.
/// @param on_block  called after every new block, for writing a journal.
/// @param progress  task "reconstruction"; counts iterations, with block and loss as detail.
/// @throws ConfigError if initial codes do not fit, or `finished` has other blocks; DataError for
/// NaN; FileError if the cache's disk is full; Interrupted.
/// Source: Nagel et al. 2020 (AdaRound), Li et al. 2021 (BRECQ), Wei et al. 2022 (QDrop).
[[nodiscard]] Reconstruction reconstruct(const ReconstructionRequest& request,
                                         const ReconstructionOptions& options,
                                         const std::vector<BlockState>& finished = {},
                                         const BlockHandler& on_block = {},
                                         const ProgressHandler& progress = {});

}  // namespace ompq::reconstruction
