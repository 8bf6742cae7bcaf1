#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ompq/core/tensor.h"

namespace ompq::data {

/// Class indices, or why there are none. Calibration needs no labels, so labels of any other form
/// (text, several numbers per sample) cause only a remark until labels are required. A number that
/// cannot be a class is a mistake in the data, and is refused wherever the network has classes.
struct Labels {
  std::vector<std::int32_t> values = {};  ///< one per sample, or none
  /// Why the labels cannot be used, as a clause ("array y of a.npz is text"); empty otherwise.
  std::string fault = {};
  bool bad_number = false;  ///< the fault is a number that is not a class index
};

/// Labels from an array: a class index for each sample, whole numbers of any type; or one-hot rows,
/// [samples, classes] with a single 1 in each.
/// @param name  of the array, for the fault.
[[nodiscard]] Labels labels_of(const Tensor& array, std::int64_t samples, const std::string& name);

/// The same for text: decimal numbers. Class names are a fault, since they give no index.
[[nodiscard]] Labels labels_of(std::span<const std::string> texts,
                               std::int64_t samples,
                               const std::string& name);

/// The class index that a text is; nullopt if it is none.
[[nodiscard]] std::optional<std::int32_t> label_of(std::string_view text);
/// True for a text that is any number, such as "-1", "0.5", "nan" or "1e99".
[[nodiscard]] bool is_number(std::string_view text);

}  // namespace ompq::data
