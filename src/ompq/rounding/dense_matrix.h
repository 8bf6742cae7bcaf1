#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace ompq::rounding {

/// A non-owning row-major float32 matrix with `stride` elements between rows.
struct DenseView {
  float* data = nullptr;
  std::int64_t rows = 0;
  std::int64_t cols = 0;
  std::int64_t stride = 0;

  [[nodiscard]] float* row(std::int64_t r) const { return data + r * stride; }
  /// The `r_count` x `c_count` block at (r, c).
  [[nodiscard]] DenseView part(std::int64_t r,
                               std::int64_t c,
                               std::int64_t r_count,
                               std::int64_t c_count) const {
    return {data + r * stride + c, r_count, c_count, stride};
  }
};

/// A row-major float32 matrix.
struct DenseMatrix {
  std::int64_t rows = 0;
  std::int64_t cols = 0;
  std::vector<float> values;

  DenseMatrix() = default;
  DenseMatrix(std::int64_t r, std::int64_t c)
      : rows(r), cols(c), values(static_cast<std::size_t>(r * c), 0.0F) {}
  [[nodiscard]] DenseView view() { return {values.data(), rows, cols, cols}; }
  [[nodiscard]] float& at(std::int64_t r, std::int64_t c) {
    return values[static_cast<std::size_t>(r * cols + c)];
  }
  [[nodiscard]] float at(std::int64_t r, std::int64_t c) const {
    return values[static_cast<std::size_t>(r * cols + c)];
  }
};

/// Whether an operand is transposed.
enum class Turned : char { No = 'N', Yes = 'T' };

/// c = alpha op(a) op(b) + beta c, on oneDNN's threads.
void multiply(Turned a_turned,
              Turned b_turned,
              float alpha,
              const DenseView& a,
              const DenseView& b,
              float beta,
              const DenseView& c);

/// Replaces a symmetric positive definite H by the upper triangular R of H = R^T R; elements below
/// the diagonal become 0. Blocked; panels in double precision. @return false if H is not positive
/// definite; H is then undefined.
[[nodiscard]] bool factorize(const DenseView& h);

/// B := B (R^T R)^-1, for B [rows, n] and R from factorize().
void solve_from_right(const DenseView& r, const DenseView& b);

}  // namespace ompq::rounding
