#pragma once

#include <map>
#include <string>

#include "ompq/core/tensor.h"

namespace ompq::data {

/// Arrays by name: those of an .npz file, or arrays in memory.
using NamedArrays = std::map<std::string, Tensor>;

/// "x uint8 500x28x28, y int64 500 (sha256 1a2b3c4d5e6f)": the name of in-memory arrays in results,
/// journals and messages. Different contents give different names.
[[nodiscard]] std::string arrays_text(const NamedArrays& arrays);

}  // namespace ompq::data
