#pragma once

#include <cstddef>

#include "ompq/quant/quant_params.h"

namespace ompq::quant {

/// Widths up to which a symmetric quantizer has no level at zero, but levels at +-1/2, +-3/2 ...
/// steps. Of two levels, one at zero leaves half of the weights nothing: on normally distributed
/// numbers the best step then leaves a squared error of 0.597 of the variance, and 0.364 without.
/// With four levels the same is true of normal numbers (0.150, 0.119), but not of trained weights,
/// of which more lie near zero, see docs/adr/.
inline constexpr int kMostBitsWithoutZero = 1;

/// How weights of `bits` are quantized where `asked` is asked for: always symmetric where there are
/// so few levels.
[[nodiscard]] inline Symmetry weight_symmetry(Symmetry asked, BitWidth bits) {
  return bits.value() <= kMostBitsWithoutZero ? Symmetry::Symmetric : asked;
}

/// 1/2 where levels stand between the whole multiples of the scale, 0 elsewhere.
[[nodiscard]] inline float level_shift(BitWidth bits, Symmetry symmetry) {
  const bool between = symmetry == Symmetry::Symmetric && bits.value() <= kMostBitsWithoutZero;
  return between ? 0.5F : 0.0F;
}
[[nodiscard]] inline float level_shift(const QuantParams& params) {
  return level_shift(params.bits, params.symmetry);
}

/// The lowest level of a slice: real = scale * (code + lowest_level).
[[nodiscard]] inline float lowest_level(const QuantParams& params, std::size_t slice) {
  return level_shift(params) - static_cast<float>(params.zero_point[slice]);
}

}  // namespace ompq::quant
