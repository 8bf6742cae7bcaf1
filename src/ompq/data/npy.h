#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "ompq/core/tensor.h"

namespace ompq::data {

/// Reads NumPy's .npy format, versions 1 to 3: numbers and bools of either byte order, in C or
/// Fortran order. The tensor is in C order.
/// @param name the array, for messages.
/// @throws DataError for text, Python objects and all else that is not a number, naming its kind.
[[nodiscard]] Tensor parse_npy(std::string_view bytes, std::string_view name);

/// Elements of an array of text (NumPy's str_ and bytes_), in C order, as UTF-8.
/// @throws DataError for any other array.
[[nodiscard]] std::vector<std::string> parse_npy_text(std::string_view bytes,
                                                      std::string_view name);

/// The .npy bytes, version 1, of a tensor. @throws DataError for bfloat16, which NumPy does not
/// have.
[[nodiscard]] std::string to_npy(const Tensor& tensor);

}  // namespace ompq::data
