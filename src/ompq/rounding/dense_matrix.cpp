#include "ompq/rounding/dense_matrix.h"

#include <algorithm>
#include <cmath>

#include <dnnl.h>

#include "ompq/core/error.h"

namespace ompq::rounding {
namespace {

constexpr std::int64_t kPanel = 64;

/// Factorizes the diagonal block of a panel, in double precision.
bool factorize_square(const DenseView& h) {
  const std::int64_t n = h.rows;
  for (std::int64_t j = 0; j < n; ++j) {
    for (std::int64_t c = j; c < n; ++c) {
      double sum = h.row(j)[c];
      for (std::int64_t i = 0; i < j; ++i) {
        sum -= static_cast<double>(h.row(i)[j]) * h.row(i)[c];
      }
      if (c == j) {
        if (!(sum > 0.0)) return false;
        h.row(j)[j] = static_cast<float>(std::sqrt(sum));
      } else {
        h.row(j)[c] = static_cast<float>(sum / h.row(j)[j]);
      }
    }
  }
  return true;
}

/// B := R^-T B for a panel's diagonal block R, by forward substitution.
void solve_square_transposed(const DenseView& r, const DenseView& b) {
#pragma omp parallel for schedule(static)
  for (std::int64_t begin = 0; begin < b.cols; begin += kPanel) {
    const std::int64_t end = std::min(begin + kPanel, b.cols);
    for (std::int64_t j = 0; j < r.rows; ++j) {
      float* target = b.row(j);
      for (std::int64_t i = 0; i < j; ++i) {
        const float factor = r.row(i)[j];
        const float* known = b.row(i);
        for (std::int64_t c = begin; c < end; ++c) target[c] -= factor * known[c];
      }
      const float inverse = 1.0F / r.row(j)[j];
      for (std::int64_t c = begin; c < end; ++c) target[c] *= inverse;
    }
  }
}

/// Solves y R = b for one row of b and a panel's diagonal block R.
void solve_row(const DenseView& r, float* b) {
  for (std::int64_t j = 0; j < r.rows; ++j) {
    b[j] /= r.row(j)[j];
    for (std::int64_t c = j + 1; c < r.rows; ++c) b[c] -= b[j] * r.row(j)[c];
  }
}

/// Solves x R^T = b.
void solve_row_transposed(const DenseView& r, float* b) {
  for (std::int64_t j = r.rows - 1; j >= 0; --j) {
    float sum = b[j];
    for (std::int64_t c = j + 1; c < r.rows; ++c) sum -= b[c] * r.row(j)[c];
    b[j] = sum / r.row(j)[j];
  }
}

template <typename Solve>
void solve_rows(const DenseView& r, const DenseView& b, Solve solve) {
#pragma omp parallel for schedule(static)
  for (std::int64_t i = 0; i < b.rows; ++i) solve(r, b.row(i));
}

}  // namespace

void multiply(Turned a_turned,
              Turned b_turned,
              float alpha,
              const DenseView& a,
              const DenseView& b,
              float beta,
              const DenseView& c) {
  if (c.rows == 0 || c.cols == 0) return;
  const std::int64_t inner = a_turned == Turned::Yes ? a.rows : a.cols;
  if (inner == 0) return;
  const auto status = dnnl_sgemm(static_cast<char>(a_turned),
                                 static_cast<char>(b_turned),
                                 c.rows,
                                 c.cols,
                                 inner,
                                 alpha,
                                 a.data,
                                 a.stride,
                                 b.data,
                                 b.stride,
                                 beta,
                                 c.data,
                                 c.stride);
  if (status != dnnl_success)
    throw InternalError("rounding", "oneDNN failed to run a matrix product");
}

bool factorize(const DenseView& h) {
  const std::int64_t n = h.rows;
  for (std::int64_t b = 0; b < n; b += kPanel) {
    const std::int64_t size = std::min(kPanel, n - b);
    const std::int64_t rest = n - b - size;
    const DenseView square = h.part(b, b, size, size);
    if (!factorize_square(square)) return false;
    const DenseView right = h.part(b, b + size, size, rest);
    solve_square_transposed(square, right);
    multiply(
        Turned::Yes, Turned::No, -1.0F, right, right, 1.0F, h.part(b + size, b + size, rest, rest));
  }
  for (std::int64_t j = 0; j < n; ++j) std::fill_n(h.row(j), j, 0.0F);
  return true;
}

void solve_from_right(const DenseView& r, const DenseView& b) {
  const std::int64_t n = r.rows;
  const std::int64_t last = (n - 1) / kPanel * kPanel;
  for (std::int64_t at = 0; at < n; at += kPanel) {
    const std::int64_t size = std::min(kPanel, n - at);
    const DenseView mine = b.part(0, at, b.rows, size);
    const DenseView before = b.part(0, 0, b.rows, at);
    multiply(Turned::No, Turned::No, -1.0F, before, r.part(0, at, at, size), 1.0F, mine);
    solve_rows(r.part(at, at, size, size), mine, solve_row);
  }
  for (std::int64_t at = last; at >= 0; at -= kPanel) {
    const std::int64_t size = std::min(kPanel, n - at);
    const std::int64_t rest = n - at - size;
    const DenseView mine = b.part(0, at, b.rows, size);
    const DenseView after = b.part(0, at + size, b.rows, rest);
    multiply(Turned::No, Turned::Yes, -1.0F, after, r.part(at, at + size, size, rest), 1.0F, mine);
    solve_rows(r.part(at, at, size, size), mine, solve_row_transposed);
  }
}

}  // namespace ompq::rounding
