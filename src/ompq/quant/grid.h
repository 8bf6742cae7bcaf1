#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "ompq/quant/levels.h"
#include "ompq/quant/quant_params.h"
#include "ompq/quant/rounding.h"
#include "ompq/quant/simd.h"

namespace ompq::quant {

/// The levels of one scale: low, low + 1, ... high, each an integer + shift; or those of a set,
/// each + shift.
///   real = scale x level,  code = level - low, or the index of level - shift in the set
/// Every engine that quantizes (executor, differentiable runs, block programs, training, rounding)
/// stores its quantizers as grids and computes levels with nearest_level() and level_of().
struct Grid {
  float scale = 1.0F;
  float low = 0.0F;     ///< of code 0: shift - zero point
  float high = 255.0F;  ///< of the last code: low + 2^bits - 1
  float shift = 0.0F;   ///< 1/2 if levels are between integers, else 0; of a set: - zero point
  const LevelSet* set = nullptr;  ///< null: equally spaced levels
};

/// The grid of codes 0 .. 2^bits - 1.
[[nodiscard]] inline Grid make_grid(
    float scale, int zero_point, BitWidth bits, float shift, const LevelSet* set = nullptr) {
  if (set != nullptr) {
    const auto moved = static_cast<float>(-zero_point);
    return {scale, set->level[0] + moved, set->level[set->count - 1] + moved, moved, set};
  }
  const float low = shift - static_cast<float>(zero_point);
  return {scale, low, low + static_cast<float>(bits.levels() - 1), shift, nullptr};
}
/// The grid of one slice of `params`.
[[nodiscard]] inline Grid grid_of(const QuantParams& params, std::size_t slice = 0) {
  return make_grid(params.scale[slice],
                   params.zero_point[slice],
                   params.bits,
                   level_shift(params),
                   level_set(params.bits, params.symmetry));
}

/// The same grid, in a loop where it has no set: the compiler then leaves out what is for sets, and
/// can vectorize. @pre grid.set is null.
[[nodiscard]] OMPQ_INLINE Grid equally_spaced(Grid grid) {
  grid.set = nullptr;
  return grid;
}

/// The level of a code, and the code of a level.
[[nodiscard]] inline float level_of_code(std::uint8_t code, const Grid& grid) {
  if (grid.set != nullptr) return grid.set->level[code] + grid.shift;
  return grid.low + static_cast<float>(code);
}
[[nodiscard]] inline std::uint8_t code_of_level(float level, const Grid& grid) {
  if (grid.set == nullptr) return static_cast<std::uint8_t>(level - grid.low);
  const auto end = grid.set->level.begin() + static_cast<std::ptrdiff_t>(grid.set->count);
  return static_cast<std::uint8_t>(
      std::lower_bound(grid.set->level.begin(), end, level - grid.shift) - grid.set->level.begin());
}

/// The quantizer's zero point.
[[nodiscard]] inline std::int32_t zero_point_of(const Grid& grid) {
  return static_cast<std::int32_t>(grid.set != nullptr ? -grid.shift : grid.shift - grid.low);
}

/// How far the numbers that are rounded to a level extend below and above it; those of the
/// outermost levels as far outwards as inwards.
struct Cell {
  float below = 0.5F;
  float above = 0.5F;
};
[[nodiscard]] inline Cell cell_of(float level, const Grid& grid) {
  if (grid.set == nullptr) return {};
  const std::size_t code = code_of_level(level, grid);
  const std::size_t last = grid.set->count - 1;
  return {grid.set->step[code > 0 ? code - 1 : 0] / 2,
          grid.set->step[code < last ? code : last - 1] / 2};
}
/// The mean distance between neighbouring levels.
[[nodiscard]] inline float mean_step(const Grid& grid) {
  if (grid.set == nullptr) return 1.0F;
  return (grid.high - grid.low) / static_cast<float>(grid.set->count - 1);
}

/// The level nearest to `ratio` = x / scale: clamp(round_half_even(ratio - shift) + shift, low,
/// high), or nearest_in() a set. Infinities map to the outermost levels, NaN stays NaN
/// without a set.
OMPQ_INLINE float nearest_level(float ratio, const Grid& grid) {
  if (grid.set != nullptr) return nearest_in(ratio - grid.shift, *grid.set) + grid.shift;
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
