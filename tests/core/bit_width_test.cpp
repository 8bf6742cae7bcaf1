#include "ompq/core/bit_width.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ompq {
namespace {

TEST(BitWidth, HoldsEveryWidthInsideOfItsRange) {
  for (int bits = kMinBits; bits <= kMaxBits; ++bits) {
    EXPECT_EQ(BitWidth(bits).value(), bits);
    EXPECT_EQ(BitWidth(bits).levels(), 1 << bits);
  }
}

TEST(BitWidth, RefusesWhatLiesOutsideAndNamesIt) {
  for (const int bits : {kMinBits - 1, kMaxBits + 1, -1, 257}) {
    try {
      const BitWidth width(bits);
      FAIL() << bits << " bits became " << width.value();
    } catch (const ConfigError& error) {
      EXPECT_THAT(error.what(), ::testing::HasSubstr(std::to_string(bits) + " bits"));
      EXPECT_THAT(error.what(), ::testing::HasSubstr("1..8"));
    }
  }
}

TEST(BitWidth, OrdersByWidth) {
  EXPECT_LT(BitWidth(2), BitWidth(3));
  EXPECT_EQ(BitWidth(4), BitWidth(4));
}

}  // namespace
}  // namespace ompq
