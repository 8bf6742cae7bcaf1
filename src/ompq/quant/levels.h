#pragma once

#include <cstddef>

#include "ompq/quant/level_set.h"
#include "ompq/quant/quant_params.h"

namespace ompq::quant {

/// Widths up to which a symmetric quantizer has no level at zero, but levels at +-1/2, +-3/2 ...
/// scales. With two levels, one at zero maps half of the weights to zero: for normally distributed
/// numbers the best scale then gives a squared error of 0.597 of the variance, and 0.364 without.
/// With four levels the same is true for normal numbers (0.150, 0.119), but not for trained
/// weights, which are more often near zero, see docs/adr/.
inline constexpr int kMostBitsWithoutZero = 1;

/// The symmetry of weights with `bits` bits if `asked` is requested: always symmetric with so few
/// levels, and asymmetric with more than normal levels exist for.
[[nodiscard]] inline Symmetry weight_symmetry(Symmetry asked, BitWidth bits) {
  if (bits.value() <= kMostBitsWithoutZero) return Symmetry::Symmetric;
  return asked == Symmetry::Normal && !has_normal_levels(bits) ? Symmetry::Asymmetric : asked;
}

/// The zero points that a quantizer may have.
struct ZeroPointRange {
  int least = 0;
  int most = 0;
  int step = 1;
  [[nodiscard]] bool has(int zero_point) const {
    return zero_point >= least && zero_point <= most && zero_point % step == 0;
  }
};
[[nodiscard]] inline ZeroPointRange zero_points_of(BitWidth bits, Symmetry symmetry) {
  constexpr int kHalf = kNormalShiftStep << (kNormalShiftBits - 1);
  if (symmetry == Symmetry::Normal) return {-kHalf, kHalf - kNormalShiftStep, kNormalShiftStep};
  return {0, bits.levels() - 1};
}

/// 1/2 if levels are between the integer multiples of the scale, else 0.
[[nodiscard]] inline float level_shift(BitWidth bits, Symmetry symmetry) {
  const bool between = symmetry == Symmetry::Symmetric && bits.value() <= kMostBitsWithoutZero;
  return between ? 0.5F : 0.0F;
}
[[nodiscard]] inline float level_shift(const QuantParams& params) {
  return level_shift(params.bits, params.symmetry);
}

/// The levels of the codes if they are not equally spaced, before the zero point is subtracted.
[[nodiscard]] inline const LevelSet* level_set(BitWidth bits, Symmetry symmetry) {
  return symmetry == Symmetry::Normal ? &normal_levels(bits) : nullptr;
}

}  // namespace ompq::quant
