#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "ompq/core/tensor.h"

namespace ompq::data {

/// Class indices, or why there are none. Calibration needs no labels, so labels of any other form
/// cause only a remark until labels are required.
struct Labels {
  std::vector<std::int32_t> values = {};  ///< one per sample, or none
  /// Why the labels cannot be used, as a clause ("array y of a.npz is text"); empty otherwise.
  std::string fault = {};
};

/// Labels from an array: a class index for each sample, whole numbers of any type; or one-hot rows,
/// [samples, classes] with a single 1 in each.
/// @param name  of the array, for the fault.
[[nodiscard]] Labels labels_of(const Tensor& array, std::int64_t samples, const std::string& name);

/// The same for text: decimal numbers. Class names are a fault, since they give no index.
[[nodiscard]] Labels labels_of(std::span<const std::string> texts,
                               std::int64_t samples,
                               const std::string& name);

}  // namespace ompq::data
