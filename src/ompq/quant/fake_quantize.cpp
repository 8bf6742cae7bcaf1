#include "ompq/quant/fake_quantize.h"

#include <algorithm>
#include <cmath>

namespace ompq::quant {
namespace {

OMPQ_VECTOR_CLONES void fake_quantize_loop(const float* from,
                                           float* to,
                                           std::int64_t count,
                                           const Grid& given) {
  const Grid grid = equally_spaced(given);
#pragma omp simd
  for (std::int64_t i = 0; i < count; ++i) to[i] = fake_quantized(from[i], grid);
}

OMPQ_VECTOR_CLONES void levels_loop(const float* from,
                                    float* levels,
                                    std::int64_t count,
                                    const Grid& given) {
  const Grid grid = equally_spaced(given);
#pragma omp simd
  for (std::int64_t i = 0; i < count; ++i) levels[i] = level_of(from[i], grid);
}

OMPQ_VECTOR_CLONES void ratios_loop(
    const float* from, float* ratios, std::int64_t count, float scale, float shift) {
  for (std::int64_t i = 0; i < count; ++i) ratios[i] = from[i] / scale - shift;
}

/// to[i] = (level of from[i]) * factor. `to` may be `from`.
void levels_of_set(std::span<const float> from,
                   std::span<float> to,
                   const Grid& grid,
                   float factor) {
  ratios_loop(
      from.data(), to.data(), static_cast<std::int64_t>(from.size()), grid.scale, grid.shift);
  round_to_set(to, *grid.set);
  for (float& value : to) value = (value + grid.shift) * factor;
}

}  // namespace

void fake_quantize(std::span<const float> from, std::span<float> to, const Grid& grid) {
  if (grid.set != nullptr) return levels_of_set(from, to, grid, grid.scale);
  fake_quantize_loop(from.data(), to.data(), static_cast<std::int64_t>(from.size()), grid);
}

void levels_of(std::span<const float> from, std::span<float> levels, const Grid& grid) {
  if (grid.set != nullptr) return levels_of_set(from, levels, grid, 1.0F);
  levels_loop(from.data(), levels.data(), static_cast<std::int64_t>(from.size()), grid);
}

double lsq_gradient_scale(std::int64_t elements, float levels) {
  return 1.0 / std::sqrt(static_cast<double>(elements) * std::max(1.0F, levels));
}

}  // namespace ompq::quant
