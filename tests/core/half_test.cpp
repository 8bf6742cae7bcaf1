#include "ompq/core/half.h"

#include <cmath>
#include <limits>

#include <gtest/gtest.h>

#include "ompq/core/random.h"

namespace ompq {
namespace {

constexpr std::uint32_t kPatterns = 1 << 16;

bool is_half_nan(std::uint32_t bits) { return (bits & 0x7c00U) == 0x7c00U && (bits & 0x3ffU) != 0; }

/// What IEEE 754 says that a binary16 pattern stands for, computed from its fields.
double half_value(std::uint32_t bits) {
  const int exponent = static_cast<int>(bits >> 10 & 0x1fU);
  const double fraction = static_cast<double>(bits & 0x3ffU) / 1024.0;
  const double magnitude = exponent == 0    ? std::ldexp(fraction, -14)
                           : exponent == 31 ? std::numeric_limits<double>::infinity()
                                            : std::ldexp(1.0 + fraction, exponent - 15);
  return (bits & 0x8000U) != 0 ? -magnitude : magnitude;
}

TEST(Half, EveryPatternHasItsValue) {
  for (std::uint32_t bits = 0; bits < kPatterns; ++bits) {
    const float got = half_to_float(static_cast<std::uint16_t>(bits));
    if (is_half_nan(bits)) {
      EXPECT_TRUE(std::isnan(got)) << bits;
    } else {
      EXPECT_EQ(static_cast<double>(got), half_value(bits)) << bits;
      EXPECT_EQ(std::signbit(got), (bits & 0x8000U) != 0) << bits;
    }
  }
}

TEST(Half, EveryPatternRoundTrips) {
  for (std::uint32_t bits = 0; bits < kPatterns; ++bits) {
    const std::uint16_t back = float_to_half(half_to_float(static_cast<std::uint16_t>(bits)));
    if (is_half_nan(bits)) {
      EXPECT_TRUE(is_half_nan(back)) << bits;
    } else {
      EXPECT_EQ(back, bits);
    }
  }
}

/// Holds `convert(value)` to the rule: the nearest representable value, and of two equally near
/// ones the one with an even pattern. `low` and `low + 1` enclose |value|.
template <typename Convert, typename ValueOf>
void expect_nearest_even(Convert convert, ValueOf value_of, std::uint16_t low) {
  const double below = value_of(low);
  const double above = value_of(static_cast<std::uint16_t>(low + 1));
  const auto middle = static_cast<float>((below + above) / 2);  // exact: one more bit of fraction
  const auto even = static_cast<std::uint16_t>((low & 1U) == 0 ? low : low + 1);
  EXPECT_EQ(convert(middle), even) << low;
  EXPECT_EQ(convert(std::nextafter(middle, 0.0F)), low);
  EXPECT_EQ(convert(std::nextafter(middle, std::numeric_limits<float>::infinity())), low + 1);
  EXPECT_EQ(convert(-middle), even | 0x8000U) << low;
}

TEST(Half, RoundsToNearestEvenBetweenEveryTwoNeighbours) {
  for (std::uint16_t low = 0; low < 0x7bffU; ++low) {
    expect_nearest_even(float_to_half, half_value, low);
  }
}

TEST(Half, OverflowsToInfinityHalfAStepBeyondTheLargest) {
  EXPECT_EQ(float_to_half(65504.0F), 0x7bffU);
  EXPECT_EQ(float_to_half(std::nextafter(65520.0F, 0.0F)), 0x7bffU);
  EXPECT_EQ(float_to_half(65520.0F), 0x7c00U);
  EXPECT_EQ(float_to_half(-1e30F), 0xfc00U);
}

TEST(BFloat16, EveryPatternRoundTrips) {
  for (std::uint32_t bits = 0; bits < kPatterns; ++bits) {
    const float value = bfloat16_to_float(static_cast<std::uint16_t>(bits));
    if (std::isnan(value)) {
      EXPECT_TRUE(std::isnan(bfloat16_to_float(float_to_bfloat16(value)))) << bits;
    } else {
      EXPECT_EQ(float_to_bfloat16(value), bits);
    }
  }
}

TEST(BFloat16, RoundsToNearestEvenBetweenEveryTwoNeighbours) {
  const auto value_of = [](std::uint16_t bits) {
    return static_cast<double>(bfloat16_to_float(bits));
  };
  // From the least normal number on; below, the middle may not be exact in float arithmetic.
  for (std::uint16_t low = 0x0080U; low < 0x7f00U; ++low) {
    expect_nearest_even(float_to_bfloat16, value_of, low);
  }
}

TEST(BFloat16, NeverTurnsNaNIntoInfinity) {
  for (std::uint32_t mantissa = 1; mantissa < (1U << 23); mantissa += 4099) {
    const auto nan = std::bit_cast<float>(0x7f800000U | mantissa);
    EXPECT_TRUE(std::isnan(bfloat16_to_float(float_to_bfloat16(nan)))) << mantissa;
  }
}

}  // namespace
}  // namespace ompq
