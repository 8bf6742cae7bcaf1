#include "ompq/quant/fake_quantize.h"

#include <algorithm>
#include <cmath>

namespace ompq::quant {
namespace {

OMPQ_VECTOR_CLONES void fake_quantize_loop(const float* from,
                                           float* to,
                                           std::int64_t count,
                                           const Grid& given) {
  const Grid grid = given;
#pragma omp simd
  for (std::int64_t i = 0; i < count; ++i) to[i] = fake_quantized(from[i], grid);
}

OMPQ_VECTOR_CLONES void levels_loop(const float* from,
                                    float* levels,
                                    std::int64_t count,
                                    const Grid& given) {
  const Grid grid = given;
#pragma omp simd
  for (std::int64_t i = 0; i < count; ++i) levels[i] = level_of(from[i], grid);
}

}  // namespace

void fake_quantize(std::span<const float> from, std::span<float> to, const Grid& grid) {
  fake_quantize_loop(from.data(), to.data(), static_cast<std::int64_t>(from.size()), grid);
}

void levels_of(std::span<const float> from, std::span<float> levels, const Grid& grid) {
  levels_loop(from.data(), levels.data(), static_cast<std::int64_t>(from.size()), grid);
}

double lsq_gradient_scale(std::int64_t elements, float levels) {
  return 1.0 / std::sqrt(static_cast<double>(elements) * std::max(1.0F, levels));
}

}  // namespace ompq::quant
