#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "ompq/core/progress.h"
#include "ompq/data/dataset.h"
#include "ompq/graph/layers.h"
#include "ompq/reconstruction/block_forward.h"
#include "ompq/reconstruction/block_state.h"
#include "ompq/runtime/executor.h"

namespace ompq::distillation {

/// What of a quantized network is tuned as a whole, and how long.
struct DistillationOptions {
  std::int64_t epochs = 4;   ///< passes over the samples
  std::int64_t batch = 32;   ///< samples a step
  double scale_rate = 1e-3;  ///< Adam's, of the logarithm of weight scales; 0: they stay
  double bias_rate = 1e-3;   ///< of biases, in units of their layer's output (root mean square)
  double step_rate = 1e-3;   ///< of the logarithm of activation scales
  double level_rate = 0.0;   ///< of weights, in steps of their quantizer; 0: codes stay
  /// How images are varied from epoch to epoch, a preset of data/augmentation.h; the float network
  /// says what each variant should come to. Samples that are no images stay as they are.
  std::string augmentation = "light";
  /// Share of the samples that is kept to tell whether tuning helped: without help, the network
  /// stays what it was.
  double held_out = 0.1;
  runtime::Precision precision = runtime::Precision::Auto;
  int threads = 0;
  std::uint64_t seed = 1;
  std::int64_t memory_bytes = std::int64_t{2} << 30;  ///< of decoded images and cached samples
  std::filesystem::path cache_directory;              ///< for it; empty: the system's
};

/// Why a network cannot be tuned as a whole; nothing if it can.
[[nodiscard]] std::optional<std::string> obstacle_to_distillation(const graph::Graph& graph);

struct DistillationRequest {
  const graph::Graph& graph;  ///< float, batch norms folded, not fused
  const std::vector<graph::Layer>& layers;
  rounding::NetworkCodes initial;
  data::Dataset& dataset;
  const std::vector<std::int64_t>& indices;
};

struct Distillation {
  rounding::NetworkCodes codes;
  /// Mean loss on the samples that were kept: divergence in nats, or squared error over the
  /// target's energy for outputs that are no class scores.
  double loss_before = 0.0;
  double loss_after = 0.0;
  /// Whose state was kept, from 1: the last one's, unless another one's loss is lower by more than
  /// a tenth; 0: tuning did not help.
  std::int64_t best_epoch = 0;
  bool kept_initial = false;  ///< tuning did not help
  double seconds = 0.0;
  std::int64_t steps = 0;
};

/// Called after every epoch with all that is needed to go on from there.
using KeepDistillation = std::function<void(const reconstruction::DistillationState&)>;

/// Tunes a quantized network as a whole so that its first output stays the float network's on the
/// samples (no labels): scales of weights and activations, biases, and, if asked, codes, all by
/// straight-through gradients. What block-wise reconstruction cannot see, how errors of blocks add
/// up at the output, is put right here.
///
/// Scales stay short, biases are rounded as the file will have them, from the first step on.
/// Memory: decoded images, the samples that are kept (2 bytes an element), and the activations of
/// `batch` samples.
/// @param finished  of an earlier call with the same arguments: it goes on there, and ends with the
///                  same codes.
/// @throws ConfigError for a network of several float inputs; DataError for NaN; Interrupted.
/// Source: Hinton et al. 2015 (distillation), Esser et al. 2020 (LSQ) for gradients of scales.
[[nodiscard]] Distillation distill(
    const DistillationRequest& request,
    const DistillationOptions& options,
    const std::optional<reconstruction::DistillationState>& finished = {},
    const KeepDistillation& keep = {},
    const ProgressHandler& progress = {});

}  // namespace ompq::distillation
