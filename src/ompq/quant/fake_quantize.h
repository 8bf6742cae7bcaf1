#pragma once

#include <cstdint>
#include <span>

#include "ompq/quant/grid.h"
#include "ompq/quant/simd.h"

namespace ompq::quant {

/// to[i] = fake_quantized(from[i], grid), on one thread. `to` may be `from`; equal sizes.
void fake_quantize(std::span<const float> from, std::span<float> to, const Grid& grid);
/// The same for levels[i] = level_of(from[i], grid).
void levels_of(std::span<const float> from, std::span<float> levels, const Grid& grid);

/// Straight-through gradients of y = fake_quantized(x) for one element.
struct FakeQuantizeSlope {
  float passes = 0.0F;    ///< dy/dx: 1 if x is in the cells of the levels, else 0
  float by_scale = 0.0F;  ///< dy/dscale: level - r inside, r = x / scale; low or high outside
};

/// @param inside  factor on level - r: 1 for LSQ, 0 where only what is clipped counts (PACT).
/// Sources: Esser et al. 2020 (LSQ), eq. 2 and 3; Choi et al. 2018 (PACT), eq. 3.
OMPQ_INLINE FakeQuantizeSlope fake_quantize_slope(float x, const Grid& grid, float inside = 1.0F) {
  const float ratio = x / grid.scale;
  const float level = nearest_level(ratio, grid);
  const float slope = inside * (level - ratio);
  // A cell around a level between integers extends as far on its outer side.
  const float outer = grid.set == nullptr ? grid.shift : 0.0F;
  const float low = grid.low - outer;
  const float high = grid.high + outer;
  // Numbers instead of booleans: a bool in the result keeps loops from being vectorized.
  const float within = (ratio >= low ? 1.0F : 0.0F) * (ratio <= high ? 1.0F : 0.0F);
  return {within, within != 0.0F ? slope : level};
}

/// 1 / sqrt(elements x levels): balances a scale's update with that of the values that it
/// quantizes. @param levels  of the quantizer on its longer side, at least 1.
/// Source: Esser et al. 2020, section 2.2.
[[nodiscard]] double lsq_gradient_scale(std::int64_t elements, float levels);

}  // namespace ompq::quant
