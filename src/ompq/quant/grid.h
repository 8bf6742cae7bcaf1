#pragma once

#include <cstddef>

#include "ompq/quant/levels.h"
#include "ompq/quant/quant_params.h"
#include "ompq/quant/rounding.h"
#include "ompq/quant/simd.h"

namespace ompq::quant {

/// The levels of one scale: low, low + 1, ... high, each an integer + shift.
///   real = scale x level,  code = level - low
/// Every engine that quantizes (executor, differentiable runs, block programs, training, rounding)
/// stores its quantizers as grids and computes levels with nearest_level() and level_of().
struct Grid {
  float scale = 1.0F;
  float low = 0.0F;     ///< of code 0: shift - zero point
  float high = 255.0F;  ///< of the last code: low + 2^bits - 1
  float shift = 0.0F;   ///< 1/2 if levels are between integers, else 0
};

/// The grid of codes 0 .. 2^bits - 1.
[[nodiscard]] inline Grid make_grid(float scale, int zero_point, BitWidth bits, float shift) {
  const float low = shift - static_cast<float>(zero_point);
  return {scale, low, low + static_cast<float>(bits.levels() - 1), shift};
}
/// The grid of one slice of `params`.
[[nodiscard]] inline Grid grid_of(const QuantParams& params, std::size_t slice = 0) {
  return make_grid(params.scale[slice], params.zero_point[slice], params.bits, level_shift(params));
}

/// The level nearest to `ratio` = x / scale: clamp(round_half_even(ratio - shift) + shift, low,
/// high). Infinities map to the outermost levels, NaN stays NaN.
OMPQ_INLINE float nearest_level(float ratio, const Grid& grid) {
  return nearest_level(ratio, grid.low, grid.high, grid.shift);
}
/// The level of x. Divides, as QuantizeLinear does: products and sums of short scales are exact, so
/// ties are common, and x times 1 / scale would sometimes round them differently.
OMPQ_INLINE float level_of(float x, const Grid& grid) {
  return nearest_level(x / grid.scale, grid);
}
/// scale x level of x.
OMPQ_INLINE float fake_quantized(float x, const Grid& grid) {
  return level_of(x, grid) * grid.scale;
}

}  // namespace ompq::quant
