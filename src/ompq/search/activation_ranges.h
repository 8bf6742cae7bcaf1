#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "ompq/data/dataset.h"
#include "ompq/pipeline/model.h"
#include "ompq/rounding/calibration.h"

namespace ompq::search {

/// Activation quantizers for networks that a search judges, at any widths. The ranges of a width
/// are calibrated once. `model` and `dataset` must outlive it.
class ActivationRanges {
 public:
  /// @param indices  the calibration samples.
  ActivationRanges(const pipeline::Model& model,
                   data::Dataset& dataset,
                   std::vector<std::int64_t> indices,
                   rounding::CalibrationOptions options);

  /// The quantizers that the target needs if the layers' inputs have these widths: all that
  /// calibration finds, including those between operators.
  /// @param activation_bits  one per layer; allocation::kFloatBits: the input stays float.
  [[nodiscard]] const rounding::ActivationQuantizers& quantizers(
      const std::vector<int>& activation_bits);

  [[nodiscard]] const targets::TargetRow& target() const;

 private:
  [[nodiscard]] rounding::ActivationQuantizers calibrated(
      const std::vector<int>& activation_bits) const;
  [[nodiscard]] rounding::ActivationQuantizers combined(const std::vector<int>& activation_bits);

  const pipeline::Model& model_;
  data::Dataset& dataset_;
  std::vector<std::int64_t> indices_;
  rounding::CalibrationOptions options_;
  std::map<std::vector<int>, rounding::ActivationQuantizers> known_;  ///< by activation_bits
};

}  // namespace ompq::search
