#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "ompq/core/matrix_view.h"

namespace ompq::orm {

/// The n x n Gram matrix F F^T of a layer's feature for a batch of n samples, float64, row-major.
/// The ORM needs nothing else, so the feature itself (n x d) can be freed.
struct GramMatrix {
  std::int64_t n = 0;
  std::vector<double> values;  ///< n * n, symmetric
};

/// F F^T of `feature` (rows = samples; Float32, BFloat16 or Float64). float32 and bfloat16 features
/// are multiplied in blocks along d, with float32 accumulation within a block and float64
/// accumulation across blocks; OpenMP threads share the blocks. Uses AVX-512 (limited by memory
/// bandwidth), AVX2 or portable code, chosen at run time.
/// @param layer  the layer's name, for messages.
/// @throws DataError naming the layer for NaN or infinity in the feature; ShapeError for fewer than
/// 2 rows, no columns, or another element type.
[[nodiscard]] GramMatrix gram(const MatrixView& feature, std::string_view layer = "?");

}  // namespace ompq::orm
