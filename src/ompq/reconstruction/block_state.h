#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "ompq/quant/quantized_tensor.h"

namespace ompq::reconstruction {

/// What a block's reconstruction was worth.
struct BlockReport {
  std::string name;
  double loss_before = 0.0;  ///< (weighted) squared error over the target's energy, initial codes
  double loss_after = 0.0;   ///< the same with the learned codes and steps
  double snr_before_db = 0.0;
  double snr_after_db = 0.0;
  double seconds = 0.0;
  std::int64_t iterations = 0;
  bool kept_initial = false;  ///< learning did not help: the initial codes stayed
};

/// A finished block: all that is needed to go on after it.
struct BlockState {
  std::string name;
  std::map<std::string, quant::QuantizedTensor> codes;  ///< by the weight's value name
  /// Scales of the block's activation quantizers, by value name.
  std::map<std::string, float> steps;
  /// Biases that make good what rounding shifted, not yet rounded, by value name.
  std::map<std::string, std::vector<float>> biases;
  BlockReport report;
};

/// Distillation of a whole network after an epoch: all that is needed to go on.
struct DistillationState {
  std::int64_t epochs = 0;  ///< done
  std::int64_t steps = 0;   ///< done, over all epochs
  std::int64_t best_epoch = 0;
  double loss_before = 0.0;
  double loss_best = 0.0;
  double seconds = 0.0;
  BlockState best;  ///< what the best epoch left; empty where none helped
  /// Parameters as they are learned and the moments of their optimizer, by a name of their own.
  std::map<std::string, std::vector<float>> numbers;
};

/// States as bytes for a journal, and back; the bytes say their own version and length.
[[nodiscard]] std::string to_bytes(const BlockState& state);
[[nodiscard]] std::string to_bytes(const DistillationState& state);
/// @throws DataError for bytes that are cut off or of another version.
[[nodiscard]] BlockState block_state_from(std::string_view bytes);
[[nodiscard]] DistillationState distillation_state_from(std::string_view bytes);

}  // namespace ompq::reconstruction
