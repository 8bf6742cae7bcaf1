#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "ompq/core/tensor.h"

namespace ompq::data {

/// Class indices, or why there are none. Calibration needs no labels, so that labels of any other
/// form are a remark, never an error, until something asks for them.
struct Labels {
  std::vector<std::int32_t> values = {};  ///< one per sample, or none
  /// Where there are labels that cannot be used: what they are, as a clause ("array y of a.npz is
  /// text").
  std::string fault = {};
};

/// Labels out of an array: a class index for each sample, whole numbers of any type; or one-hot
/// rows, [samples, classes] with a single 1 in each.
/// @param name  the array, for the fault.
[[nodiscard]] Labels labels_of(const Tensor& array, std::int64_t samples, const std::string& name);

/// The same for text: numbers as one would write them. Names of classes say no index.
[[nodiscard]] Labels labels_of(std::span<const std::string> texts,
                               std::int64_t samples,
                               const std::string& name);

}  // namespace ompq::data
