#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "ompq/core/bit_width.h"
#include "ompq/quant/simd.h"

namespace ompq::quant {

/// Levels that are not equally spaced: ascending integers. The level nearest to a ratio is the
/// first, plus all steps whose middle the ratio exceeds; a tie gives the lower one.
struct LevelSet {
  static constexpr std::size_t kMost = 16;
  std::size_t count = 0;
  std::array<float, kMost> level{};
  std::array<float, kMost> middle{};  ///< [i]: between level i and level i + 1
  std::array<float, kMost> step{};    ///< [i]: from level i to level i + 1
};

/// Widths for which normal_levels() exist.
inline constexpr int kLeastNormalBits = 2;
inline constexpr int kMostNormalBits = 4;
/// The outermost of normal_levels(). With a shift, levels stay within int8.
inline constexpr int kLargestNormalLevel = 95;
/// Zero points of normal levels are multiples of this, of kNormalShiftBits bits in two's
/// complement.
inline constexpr int kNormalShiftStep = 4;
inline constexpr int kNormalShiftBits = 4;

[[nodiscard]] inline bool has_normal_levels(BitWidth bits) {
  return bits.value() >= kLeastNormalBits && bits.value() <= kMostNormalBits;
}

/// The levels with the least squared error for normally distributed numbers, scaled so that the
/// outermost are +-kLargestNormalLevel, and rounded to integers, the innermost to multiples of
/// kNormalShiftStep: with such a zero point, zero is a level. Trained weights are about normally
/// distributed. Source: Max 1960, "Quantizing for minimum distortion", table I.
/// @pre has_normal_levels(bits).
[[nodiscard]] const LevelSet& normal_levels(BitWidth bits);

/// The zero point with which zero is a level; the other one is its negative.
/// @pre has_normal_levels(bits).
[[nodiscard]] inline int zero_point_at_level(BitWidth bits) {
  const LevelSet& set = normal_levels(bits);
  return static_cast<int>(set.level[set.count / 2]);
}

[[nodiscard]] OMPQ_INLINE float nearest_in(float ratio, const LevelSet& set) {
  float level = set.level[0];
  for (std::size_t i = 0; i + 1 < set.count; ++i) {
    level += ratio > set.middle[i] ? set.step[i] : 0.0F;
  }
  return level;
}

/// values[i] = nearest_in(values[i], set), on one thread.
void round_to_set(std::span<float> values, const LevelSet& set);

}  // namespace ompq::quant
