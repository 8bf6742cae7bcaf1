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

/// What a squared error of a block's output counts.
enum class ErrorWeight {
  Plain,
  Fisher,  ///< times the squared gradient of the network's loss by the output (BRECQ)
};

/// What is done to a block.
enum class BlockMethod {
  Compensate,  ///< error-compensated rounding (gptq.h); blocks must be layer_blocks()
  Learn,       ///< rounding variables and steps are optimized (block_training.h)
  Restore,     ///< spread and mean of each output channel; blocks must be layer_blocks()
  Visit,       ///< nothing; ReconstructionOptions::visit looks at it
};

/// Sees what the layer `layer` (an index of ReconstructionRequest::layers) reads.
using LayerVisitor = std::function<void(std::size_t layer, const rounding::LayerInputs& inputs)>;

struct ReconstructionOptions {
  BlockMethod method = BlockMethod::Learn;
  rounding::GptqOptions gptq;    ///< for Compensate; its moments also for Restore
  bool restore_means = true;     ///< for Restore: bias correction
  bool restore_spreads = false;  ///< for Restore: norm re-estimation
  /// For Visit, of layers that have input moments; blocks must be layer_blocks().
  LayerVisitor visit;
  ErrorWeight weight = ErrorWeight::Plain;
  /// Iterations, batch, rates, drop probability (QDrop: 0.5), threads.
  TrainingOptions training;
  bool learn_steps = true;  ///< scales of activation quantizers too (LSQ)
  std::uint64_t seed = 1;
  std::int64_t memory_bytes = std::int64_t{2} << 30;  ///< of cached activations; beyond it: files
  std::filesystem::path cache_directory;              ///< for these; empty: the system's
  std::int64_t measured_rows = 256;  ///< samples on which before and after are compared
  std::int64_t forward_batch = 32;
};

/// The network to be reconstructed, and where it starts from.
struct ReconstructionRequest {
  const graph::Graph& graph;  ///< float, batch norms folded, not fused
  const std::vector<graph::Layer>& layers;
  /// Discovery::blocks, or layer_blocks() for AdaRound.
  const std::vector<graph::Block>& blocks;
  /// Where it starts from: codes of nearest or error-compensated rounding; weights without codes
  /// stay float, and so do activations without quantizer.
  rounding::NetworkCodes initial;
  data::Dataset& dataset;
  const std::vector<std::int64_t>& indices;
};

struct Reconstruction {
  rounding::NetworkCodes codes;      ///< of all that had initial ones
  std::vector<BlockReport> reports;  ///< a block each, in the order in which they ran
};

using BlockHandler = std::function<void(const BlockState&)>;

/// Finds the rounding of weights (and the scales of activation quantizers) block after block, so
/// that each block's output on the already quantized prefix stays what the float network has there.
/// A block's result is never worse than its initial codes on the samples on which both are
/// compared.
///
/// Memory: what two cuts through the network hold for all samples, 2 bytes an element, of which
/// `memory_bytes` stay in memory. Samples are decoded once.
///
/// @param finished  blocks that an earlier, interrupted run had finished, in their order: with the
///                  same request, options and threads, the result is the same to the bit as without
///                  the interruption.
/// @param on_block  called after every block that is new, so that a journal can be written.
/// @param progress  task "reconstruction"; counts iterations, with block and loss as detail.
/// @throws ConfigError if initial codes do not fit, or `finished` is of other blocks; DataError for
/// NaN; FileError if the cache's disk is full; Interrupted.
/// Source: Nagel et al. 2020 (AdaRound), Li et al. 2021 (BRECQ), Wei et al. 2022 (QDrop).
[[nodiscard]] Reconstruction reconstruct(const ReconstructionRequest& request,
                                         const ReconstructionOptions& options,
                                         const std::vector<BlockState>& finished = {},
                                         const BlockHandler& on_block = {},
                                         const ProgressHandler& progress = {});

}  // namespace ompq::reconstruction
