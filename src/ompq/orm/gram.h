#pragma once

#include <cstdint>
#include <span>
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

/// F F^T of `feature` (rows = samples). float32 and bfloat16 features are multiplied in blocks
/// along d with float32 accumulation inside of a block and float64 across blocks.
/// @throws DataError for NaN or infinity in the result; ShapeError for fewer than 2 rows.
[[nodiscard]] GramMatrix gram(const MatrixView& feature);

}  // namespace ompq::orm
