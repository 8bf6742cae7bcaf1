#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "ompq/core/matrix_view.h"

namespace ompq::orm {

/// A layer's n x n Gram matrix F F^T of its feature over one batch of n samples, float64,
/// row-major. It is all the ORM needs: the feature itself (n x d) can be freed as soon as this
/// exists.
struct GramMatrix {
  std::int64_t n = 0;
  std::vector<double> values;  ///< n * n, symmetric
};

/// F F^T of `feature` (rows = samples; Float32, BFloat16 or Float64). float32 and bfloat16 features
/// are multiplied in blocks along d with float32 accumulation inside of a block and float64 across
/// blocks; blocks are shared out over OpenMP's threads. Works at the speed of memory where the
/// processor has AVX-512 (chosen at run time, with AVX2 and portable code below it).
/// @param layer  whose feature this is, for the messages.
/// @throws DataError naming the layer for NaN or infinity in the feature; ShapeError for fewer than
/// 2 rows, no columns, or another element type.
[[nodiscard]] GramMatrix gram(const MatrixView& feature, std::string_view layer = "?");

}  // namespace ompq::orm
