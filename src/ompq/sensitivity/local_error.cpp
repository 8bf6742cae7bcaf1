#include "ompq/sensitivity/local_error.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "ompq/core/error.h"
#include "ompq/quant/simd.h"

namespace ompq::sensitivity {
namespace {

float as_float(float value) { return value; }
/// bfloat16 is the upper half of a float32.
float as_float(std::uint16_t value) {
  return std::bit_cast<float>(static_cast<std::uint32_t>(value) << 16U);
}

/// |b - a|^2 and |a|^2 of one row.
struct RowError {
  double distance = 0;
  double norm = 0;
};

/// Sums of a few thousand float32 squares have a relative error of less than 2^-12.
constexpr std::int64_t kChunk = 4096;

template <typename T>
[[gnu::always_inline]] inline RowError chunk_error(const T* a, const T* b, std::int64_t count) {
  float distance = 0;
  float norm = 0;
#pragma omp simd reduction(+ : distance, norm)
  for (std::int64_t i = 0; i < count; ++i) {
    const float x = as_float(a[i]);
    const float difference = as_float(b[i]) - x;
    distance += difference * difference;
    norm += x * x;
  }
  return {distance, norm};
}

OMPQ_VECTOR_CLONES RowError chunk_error_float(const float* a, const float* b, std::int64_t count) {
  return chunk_error(a, b, count);
}
OMPQ_VECTOR_CLONES RowError chunk_error_bfloat16(const std::uint16_t* a,
                                                 const std::uint16_t* b,
                                                 std::int64_t count) {
  return chunk_error(a, b, count);
}

template <typename T, typename Chunk>
RowError row_error(const MatrixView& a, const MatrixView& b, std::int64_t row, Chunk chunk) {
  const T* x = static_cast<const T*>(a.data) + row * a.row_stride;
  const T* y = static_cast<const T*>(b.data) + row * b.row_stride;
  RowError sum;
  for (std::int64_t at = 0; at < a.cols; at += kChunk) {
    const RowError part = chunk(x + at, y + at, std::min(kChunk, a.cols - at));
    sum.distance += part.distance;
    sum.norm += part.norm;
  }
  return sum;
}

RowError error_of_row(const MatrixView& real, const MatrixView& quantized, std::int64_t row) {
  return real.type == DataType::BFloat16
             ? row_error<std::uint16_t>(real, quantized, row, chunk_error_bfloat16)
             : row_error<float>(real, quantized, row, chunk_error_float);
}

class LocalError final : public Meter {
 public:
  explicit LocalError(const MeterContext& context)
      : widths_(context.options.widths), cells_(context.layers.size() * widths_.size()) {}

  void see_layer(Cell cell, const MatrixView& real, const MatrixView& quantized) override {
    Sums& sums = cells_[cell.layer * widths_.size() + cell.width];
    for (std::int64_t row = 0; row < real.rows; ++row) {
      const RowError error = error_of_row(real, quantized, row);
      sums.norm += error.norm;
      sums.distance += error.distance;
      sums.squared_distance += error.distance * error.distance;
      ++sums.samples;
    }
    seen_ = seen_ || real.rows > 0;
  }

  [[nodiscard]] LossTable result() const override {
    if (!seen_) throw DataError("sensitivity", "no sample was given; add a batch first");
    LossTable table{widths_, {}};
    for (const Sums& sums : cells_) table.values.push_back(sums.value());
    return table;
  }

 private:
  struct Sums {
    double norm = 0;
    double distance = 0;
    double squared_distance = 0;
    std::int64_t samples = 0;

    [[nodiscard]] double value() const {
      // A layer whose output is zero on every sample has no effect, or was not measured.
      if (!(norm > 0)) return 0.0;
      const auto n = static_cast<double>(samples);
      const double mean = distance / n;
      const double variance = std::max(squared_distance / n - mean * mean, 0.0);
      return (mean + std::sqrt(variance)) / (norm / n);
    }
  };

  std::vector<BitWidth> widths_;
  std::vector<Sums> cells_;
  bool seen_ = false;
};

}  // namespace

double squared_distance(const MatrixView& a, const MatrixView& b) {
  double sum = 0;
  for (std::int64_t row = 0; row < a.rows; ++row) sum += error_of_row(a, b, row).distance;
  return sum;
}

std::unique_ptr<Meter> make_local_error(const MeterContext& context) {
  return std::make_unique<LocalError>(context);
}

}  // namespace ompq::sensitivity
