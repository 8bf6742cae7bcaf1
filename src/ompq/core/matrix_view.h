#pragma once

#include <cstdint>

#include "ompq/core/tensor.h"

namespace ompq {

/// A non-owning matrix, used to pass captured activations between rooms that share no tensor type.
/// Row r has `cols` contiguous elements and starts at element r * row_stride. For a feature, a row
/// is one sample; all rows have the same element order, which the producer chooses (channels last).
struct MatrixView {
  const void* data = nullptr;
  DataType type = DataType::Float32;  ///< Float32, BFloat16 or Float64
  std::int64_t rows = 0;
  std::int64_t cols = 0;
  std::int64_t row_stride = 0;
};

}  // namespace ompq
