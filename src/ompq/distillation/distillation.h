#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "ompq/core/error.h"
#include "ompq/core/progress.h"
#include "ompq/data/dataset.h"
#include "ompq/distillation/mixing.h"
#include "ompq/graph/layers.h"
#include "ompq/reconstruction/block_forward.h"
#include "ompq/reconstruction/block_state.h"
#include "ompq/runtime/executor.h"

namespace ompq::distillation {

/// Options for tuning a quantized network as a whole.
struct DistillationOptions {
  std::int64_t epochs = 4;         ///< passes over the samples
  std::int64_t epoch_samples = 0;  ///< fewer samples are repeated in an epoch, see repeats_of()
  std::int64_t batch = 32;         ///< samples per step
  double scale_rate = 1e-3;        ///< Adam's, for the logarithm of weight scales; 0: not tuned
  double bias_rate = 1e-3;  ///< for biases, in units of their layer's output (root mean square)
  double step_rate = 1e-3;  ///< for the logarithm of activation scales
  double level_rate = 0.0;  ///< for weights, in units of their scale; 0: codes are not tuned
  /// Augmentation of images, a preset of data/augmentation.h; targets are the float network's
  /// outputs for the augmented images. Samples that are not images are not augmented.
  std::string augmentation = "light";
  Mixing mixing = Mixing::None;  ///< of training samples, images or not
  double mixed = 0.5;            ///< share of mixed training samples
  /// Weight of the features: the mean over blocks of the squared error of a block's output over
  /// its energy, in nats. Only for training.
  double feature_weight = 0.0;
  /// Share of held-out samples, on which the result must be better than the initial network;
  /// otherwise the latter is returned.
  double held_out = 0.1;
  runtime::Precision precision = runtime::Precision::Auto;
  int threads = 0;
  std::uint64_t seed = 1;
  std::int64_t memory_bytes = std::int64_t{2}
                              << 30;      ///< limit for decoded images and cached samples
  std::filesystem::path cache_directory;  ///< for cached samples; empty: the system's
};

/// How often an epoch of at least `epoch_samples` repeats its samples, at least once.
[[nodiscard]] std::int64_t repeats_of(std::int64_t samples, std::int64_t epoch_samples);

struct DistillationRequest {
  const graph::Graph& graph;  ///< float, batch norms folded, not fused
  const std::vector<graph::Layer>& layers;
  const std::vector<graph::Block>& blocks;  ///< their outputs are features
  rounding::NetworkCodes initial;
  data::Dataset& dataset;
  const std::vector<std::int64_t>& indices;
};

struct Distillation {
  rounding::NetworkCodes codes;
  /// Mean loss on the held-out samples: divergence in nats, or squared error over the target's
  /// energy for outputs that are not class scores.
  double loss_before = 0.0;
  double loss_after = 0.0;
  /// The epoch of the result, from 1: the last one, unless another one has a loss lower by more
  /// than 10 %; 0: tuning did not help.
  std::int64_t best_epoch = 0;
  bool kept_initial = false;  ///< tuning did not help
  double seconds = 0.0;
  std::int64_t steps = 0;
};

/// The state of an earlier run does not fit this one: it is damaged, or of another run.
struct UnusableState : DataError {
  using DataError::DataError;
};

/// Called after every epoch with the state from which tuning can resume.
using KeepDistillation = std::function<void(const reconstruction::DistillationState&)>;

/// Tunes a quantized network as a whole so that its first output approximates the float network's
/// on the samples (no labels): scales of weights and activations, biases, and optionally codes,
/// with straight-through gradients. This corrects the accumulated errors of blocks at the output,
/// which block-wise reconstruction does not.
///
/// From the first step on, scales and biases are rounded as in the file, and activations keep
/// within the target's limits (rounding::QuantizerLimits). Memory: decoded images, cached samples
/// (2 bytes per element), and the activations of `batch` samples.
/// @param finished  of an earlier call with the same arguments: resumes there, and gives the
///                  same codes.
/// @throws UnusableState if `finished` does not fit, before any work; ConfigError for a network of
/// several float inputs; DataError for NaN; Interrupted.
/// Source: Hinton et al. 2015 (distillation), Esser et al. 2020 (LSQ) for gradients of scales.
[[nodiscard]] Distillation distill(
    const DistillationRequest& request,
    const DistillationOptions& options,
    const std::optional<reconstruction::DistillationState>& finished = {},
    const KeepDistillation& keep = {},
    const ProgressHandler& progress = {});

}  // namespace ompq::distillation
