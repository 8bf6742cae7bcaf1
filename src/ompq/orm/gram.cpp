#include "ompq/orm/gram.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstring>

#include <fmt/format.h>
#include <omp.h>

#include "ompq/core/error.h"
#include "ompq/orm/gram_kernels.h"

namespace ompq::orm {
namespace {

constexpr std::int64_t kStep = GramKernel::kColumnStep;
/// Size of a block of columns: all rows of one block fit in the L2 cache.
constexpr std::int64_t kBlockBytes = 512 * 1024;
constexpr std::int64_t kMaxRowBytes = 8 * 1024;
/// Below this many multiplications, starting threads costs more than it saves.
constexpr std::int64_t kParallelWork = std::int64_t{1} << 21;

void require_shape(const MatrixView& feature, std::string_view layer) {
  if (feature.rows < 2) {
    throw ShapeError("orm",
                     fmt::format("the feature of layer '{}' has {} sample(s), but orthogonality "
                                 "needs at least 2; give more samples",
                                 layer,
                                 feature.rows));
  }
  if (feature.cols < 1 || feature.row_stride < feature.cols) {
    throw ShapeError(
        "orm",
        fmt::format("the feature of layer '{}' has {} columns and a row stride of {}; "
                    "both must be positive, and the stride at least the number of columns",
                    layer,
                    feature.cols,
                    feature.row_stride));
  }
}

/// Columns per block, a multiple of kStep.
std::int64_t block_columns(std::int64_t rows, std::int64_t element_bytes) {
  const std::int64_t row_bytes = std::clamp(kBlockBytes / rows, std::int64_t{512}, kMaxRowBytes);
  return std::max(kStep, row_bytes / element_bytes / kStep * kStep);
}

/// Adds the products of all pairs of rows, over `cols` columns, to the upper triangle of `sums`.
/// A tile that reaches past the last row reads that row again and drops the result.
void add_block(const GramKernel& kernel,
               const std::vector<const void*>& rows,
               std::int64_t cols,
               std::vector<double>& sums) {
  const auto n = static_cast<std::int64_t>(rows.size());
  const auto row = [&](std::int64_t r) {
    return rows[static_cast<std::size_t>(std::min(r, n - 1))];
  };
  const void* a[GramKernel::kMaxTile];
  const void* b[GramKernel::kMaxTile];
  double tile[GramKernel::kMaxTile * GramKernel::kMaxTile];
  for (std::int64_t i = 0; i < n; i += kernel.tile_rows) {
    for (int r = 0; r < kernel.tile_rows; ++r) a[r] = row(i + r);
    for (std::int64_t j = i; j < n; j += kernel.tile_cols) {
      for (int c = 0; c < kernel.tile_cols; ++c) b[c] = row(j + c);
      kernel.dot_tile(a, b, cols, tile);
      for (std::int64_t r = 0; r < std::min<std::int64_t>(kernel.tile_rows, n - i); ++r) {
        for (std::int64_t c = 0; c < std::min<std::int64_t>(kernel.tile_cols, n - j); ++c) {
          sums[static_cast<std::size_t>((i + r) * n + j + c)] += tile[r * kernel.tile_cols + c];
        }
      }
    }
  }
}

/// Pointers to the given column in each row of a feature.
std::vector<const void*> rows_at(const MatrixView& feature, std::int64_t column) {
  const auto element = static_cast<std::int64_t>(size_of(feature.type));
  const auto* bytes = static_cast<const std::byte*>(feature.data);
  std::vector<const void*> rows(static_cast<std::size_t>(feature.rows));
  for (std::int64_t r = 0; r < feature.rows; ++r) {
    rows[static_cast<std::size_t>(r)] = bytes + (r * feature.row_stride + column) * element;
  }
  return rows;
}

/// The last, partial step of columns, padded with zeros.
void add_tail(const GramKernel& kernel,
              const MatrixView& feature,
              std::int64_t column,
              std::vector<double>& sums) {
  const std::size_t element = size_of(feature.type);
  const std::size_t row_bytes = static_cast<std::size_t>(kStep) * element;
  std::vector<std::byte> padded(static_cast<std::size_t>(feature.rows) * row_bytes);
  std::vector<const void*> rows = rows_at(feature, column);
  for (std::size_t r = 0; r < rows.size(); ++r) {
    std::byte* target = padded.data() + r * row_bytes;
    std::memcpy(target, rows[r], static_cast<std::size_t>(feature.cols - column) * element);
    rows[r] = target;
  }
  add_block(kernel, rows, kStep, sums);
}

/// Upper triangle of F F^T.
std::vector<double> upper_products(const GramKernel& kernel, const MatrixView& feature) {
  const std::int64_t whole = feature.cols / kStep * kStep;
  const auto element = static_cast<std::int64_t>(size_of(feature.type));
  const std::int64_t block = block_columns(feature.rows, element);
  const std::int64_t blocks = (whole + block - 1) / block;
  const auto entries = static_cast<std::size_t>(feature.rows * feature.rows);
  const bool parallel = feature.rows * feature.rows * feature.cols > kParallelWork;
  const int threads = parallel ? static_cast<int>(std::min<std::int64_t>(
                                     omp_get_max_threads(), std::max<std::int64_t>(blocks, 1)))
                               : 1;
  std::vector<std::vector<double>> partial(static_cast<std::size_t>(threads),
                                           std::vector<double>(entries, 0.0));
#pragma omp parallel for num_threads(threads) schedule(static) if (threads > 1)
  for (std::int64_t index = 0; index < blocks; ++index) {
    const std::int64_t column = index * block;
    add_block(kernel,
              rows_at(feature, column),
              std::min(block, whole - column),
              partial[static_cast<std::size_t>(omp_get_thread_num())]);
  }
  if (whole < feature.cols) add_tail(kernel, feature, whole, partial.front());
  for (std::size_t t = 1; t < partial.size(); ++t) {
    for (std::size_t e = 0; e < entries; ++e) partial.front()[e] += partial[t][e];
  }
  return std::move(partial.front());
}

void require_finite(const GramMatrix& gram, std::string_view layer) {
  for (std::int64_t i = 0; i < gram.n; ++i) {
    const double square = gram.values[static_cast<std::size_t>(i * gram.n + i)];
    if (std::isfinite(square)) continue;
    throw DataError("orm",
                    fmt::format("the feature of layer '{}' has NaN, infinity or values too large "
                                "to square in float32 (sample {}: squared norm {}); check the "
                                "network's weights and the sample",
                                layer,
                                i,
                                square));
  }
}

}  // namespace

GramMatrix gram(const MatrixView& feature, std::string_view layer) {
  require_shape(feature, layer);
  GramMatrix gram{feature.rows, upper_products(best_gram_kernel(feature.type), feature)};
  const auto n = static_cast<std::size_t>(gram.n);
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = i + 1; j < n; ++j) gram.values[j * n + i] = gram.values[i * n + j];
  }
  require_finite(gram, layer);
  return gram;
}

}  // namespace ompq::orm
