#pragma once

#include "ompq/quant/simd.h"

namespace ompq::quant {

/// Rounds half to even, for |x| <= 2^22: after the addition the mantissa has no fraction bits, so
/// the processor's default rounding applies. Unlike nearbyint, this vectorizes on every x86-64.
OMPQ_INLINE float round_half_even(float x) {
  constexpr float kNoFraction = 12582912.0F;  // 1.5 * 2^23
  return (x + kNoFraction) - kNoFraction;
}

/// The code of x / scale on the grid lo..hi around zero (lo = -zero_point). Clamping first keeps
/// the argument of the rounding small; lo and hi are integers, so the result is the same.
OMPQ_INLINE float nearest_level(float ratio, float lo, float hi) {
  const float above = ratio < lo ? lo : ratio;
  return round_half_even(above > hi ? hi : above);
}

/// The same on the grid of integers + shift, which includes lo and hi.
OMPQ_INLINE float nearest_level(float ratio, float lo, float hi, float shift) {
  return nearest_level(ratio - shift, lo - shift, hi - shift) + shift;
}

/// 1/2 for a grid between the integers, 0 for integers; `lo` is on the grid.
OMPQ_INLINE float shift_of(float lo) { return lo - round_half_even(lo - 0.25F); }

}  // namespace ompq::quant
