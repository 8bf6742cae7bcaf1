#pragma once

#include <map>
#include <string>

#include <pybind11/numpy.h>

#include "ompq/data/named_arrays.h"

namespace ompq::python {

/// Copies of NumPy arrays, which must be in C order and in this machine's byte order.
/// @throws DataError naming the array whose element type is not a numeric type of ompq.
[[nodiscard]] data::NamedArrays to_named_arrays(
    const std::map<std::string, pybind11::array>& arrays);

}  // namespace ompq::python
