#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "ompq/quant/quantized_tensor.h"

namespace ompq::reconstruction {

/// The result of a block's reconstruction.
struct BlockReport {
  std::string name;
  double loss_before = 0.0;  ///< (weighted) squared error over the target's energy, initial codes
  double loss_after = 0.0;   ///< the same with the learned codes and steps
  double snr_before_db = 0.0;
  double snr_after_db = 0.0;
  double seconds = 0.0;
  std::int64_t iterations = 0;
  bool kept_initial = false;  ///< learning did not help: the initial codes were kept
};

/// A finished block: the state for resuming after it.
struct BlockState {
  std::string name;
  std::map<std::string, quant::QuantizedTensor> codes;  ///< by the weight's value name
  /// Scales of the block's activation quantizers, by value name.
  std::map<std::string, float> steps;
  /// Unrounded corrected biases, by value name.
  std::map<std::string, std::vector<float>> biases;
  BlockReport report;
};

/// The state of distillation after an epoch, for resuming.
struct DistillationState {
  std::int64_t epochs = 0;  ///< finished
  std::int64_t steps = 0;   ///< finished, over all epochs
  std::int64_t best_epoch = 0;
  double loss_before = 0.0;
  double loss_best = 0.0;
  double seconds = 0.0;
  BlockState best;  ///< of the best epoch; empty if none helped
  /// Learned parameters and their optimizer's moments, by name.
  std::map<std::string, std::vector<float>> numbers;
};

/// Serialization of states for a journal, with version and length.
[[nodiscard]] std::string to_bytes(const BlockState& state);
[[nodiscard]] std::string to_bytes(const DistillationState& state);
/// @throws DataError for bytes that are truncated or of another version.
[[nodiscard]] BlockState block_state_from(std::string_view bytes);
[[nodiscard]] DistillationState distillation_state_from(std::string_view bytes);

}  // namespace ompq::reconstruction
