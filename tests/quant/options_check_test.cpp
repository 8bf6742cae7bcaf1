#include "ompq/quant/options_check.h"

#include <cmath>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ompq/core/error.h"

namespace ompq::quant {
namespace {

using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

TEST(CheckOptions, TakesTheEndsOfBothRanges) {
  for (const double percentile : {1e-6, 50.0, 100.0}) {
    EXPECT_NO_THROW(check_options({.percentile = percentile})) << percentile;
  }
  for (const double power : {1.0, 2.4, 8.0}) {
    EXPECT_NO_THROW(check_options({.error_power = power})) << power;
  }
}

TEST(CheckOptions, RefusesWhatIsOutsideWithTheValueAndTheWayOut) {
  for (const double percentile : {0.0, -1.0, 100.001, std::nan("")}) {
    EXPECT_THAT([&] { check_options({.percentile = percentile}); },
                ThrowsMessage<ConfigError>(HasSubstr("above 0 and up to 100, such as 99.99")))
        << percentile;
  }
  EXPECT_THAT([] { check_options({.percentile = 100.5}); },
              ThrowsMessage<ConfigError>(HasSubstr("a percentile of 100.5 is not valid")));
  for (const double power : {0.0, 0.99, 8.01, std::nan("")}) {
    EXPECT_THAT([&] { check_options({.error_power = power}); },
                ThrowsMessage<ConfigError>(HasSubstr("is outside 1..8; the usual value is 2.4")))
        << power;
  }
}

TEST(ValuesOutside, IsTheWholeShareAndNeverAllValues) {
  EXPECT_EQ(values_outside(1000, 99.9), 1) << "1000 (1 - 0.999) is below 1 in float64";
  EXPECT_EQ(values_outside(1001, 98), 20);
  EXPECT_EQ(values_outside(1000, 100), 0);
  EXPECT_EQ(values_outside(10, 99.99), 0);
  EXPECT_EQ(values_outside(5, 1e-9), 4);
  EXPECT_EQ(values_outside(1, 1e-12), 0);
  EXPECT_EQ(values_outside(0, 50), 0);
}

TEST(SplitOutside, HalvesBetweenBothEndsOrTakesTheFarOne) {
  const auto split = [](float min, float max) {
    const Tails tails = split_outside(1001, 98, min, max);
    return std::to_string(tails.below) + " " + std::to_string(tails.above);
  };
  EXPECT_EQ(split(-1, 1), "10 10");
  EXPECT_EQ(split(0, 1), "0 20");
  EXPECT_EQ(split(-1, 0), "20 0");
  const Tails one = split_outside(1000, 99.9, -1, 1);
  EXPECT_EQ(one.below + one.above, 0) << "one value has no half";
}
}  // namespace
}  // namespace ompq::quant
