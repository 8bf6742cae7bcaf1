#pragma once

#include <cstdint>

#include "ompq/core/tensor.h"

namespace ompq {

/// Borrowed rows of numbers: how a captured activation travels between rooms that share no tensor
/// type. Row r holds `cols` contiguous elements and starts at element r * row_stride. For a
/// feature, a row is one sample; the order of the elements within it is the producer's (channels
/// last), the same in every row.
struct MatrixView {
  const void* data = nullptr;
  DataType type = DataType::Float32;  ///< Float32, BFloat16 or Float64
  std::int64_t rows = 0;
  std::int64_t cols = 0;
  std::int64_t row_stride = 0;
};

}  // namespace ompq
