#pragma once

#include <string>
#include <string_view>

#include "ompq/core/tensor.h"

namespace ompq::data {

/// Reads NumPy's .npy format, versions 1 to 3: little-endian numbers and bools in C order.
/// @param name the array, for messages.
/// @throws DataError for anything else, saying what it is and how to convert it.
[[nodiscard]] Tensor parse_npy(std::string_view bytes, std::string_view name);

/// The .npy bytes, version 1, of a tensor of any type but bfloat16.
/// @throws DataError for bfloat16, which NumPy does not know.
[[nodiscard]] std::string to_npy(const Tensor& tensor);

}  // namespace ompq::data
