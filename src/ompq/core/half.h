#pragma once

#include <bit>
#include <cstdint>

namespace ompq {

/// IEEE binary16 -> binary32, exact.
[[nodiscard]] float half_to_float(std::uint16_t bits);
/// IEEE binary32 -> binary16, rounding to nearest even.
[[nodiscard]] std::uint16_t float_to_half(float value);

/// bfloat16 -> binary32, exact.
[[nodiscard]] inline float bfloat16_to_float(std::uint16_t bits) {
  return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16);
}
/// IEEE binary32 -> bfloat16, rounding to nearest even; NaN stays NaN.
[[nodiscard]] inline std::uint16_t float_to_bfloat16(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  if ((bits & 0x7fffffffU) > 0x7f800000U) return static_cast<std::uint16_t>((bits >> 16) | 0x40U);
  return static_cast<std::uint16_t>((bits + 0x7fffU + ((bits >> 16) & 1U)) >> 16);
}

}  // namespace ompq
