#include "ompq/search/intervals.h"

#include <cmath>
#include <random>

#include <gtest/gtest.h>

namespace ompq::search {
namespace {

TEST(WilsonInterval, IsThatOfTheTables) {
  const Interval none = wilson_interval(0, 100);
  EXPECT_NEAR(none.lower, 0.0, 1e-12);
  EXPECT_NEAR(none.upper, 0.03699, 1e-5);
  const Interval half = wilson_interval(50, 100);
  EXPECT_NEAR(half.lower, 0.40383, 1e-5);
  EXPECT_NEAR(half.upper, 0.59617, 1e-5);
  EXPECT_NEAR(wilson_interval(100, 100).upper, 1.0, 1e-12);
}

TEST(PairedInterval, IsThatOfItsSource) {
  // 40 samples only of the first, 15 only of the second, of 100.
  const Interval some = paired_interval(25, 55, 100);
  const double middle = 25.0 / 102;
  const double half = 1.959964 * std::sqrt((40.5 + 15.5 - 25.0 * 25 / 102) / (102.0 * 102));
  EXPECT_NEAR(some.lower, middle - half, 1e-9);
  EXPECT_NEAR(some.upper, middle + half, 1e-9);
  const Interval none = paired_interval(0, 0, 100);
  EXPECT_LT(none.lower, -0.015) << "no difference on few samples is no proof";
  EXPECT_NEAR(none.lower, -none.upper, 1e-12);
}

TEST(PairedInterval, CoversTheMeanInMostDraws) {
  std::mt19937_64 draw(5);
  constexpr int kTrials = 2000;
  constexpr int kCount = 200;
  int covered = 0;
  for (int trial = 0; trial < kTrials; ++trial) {
    double sum = 0;
    double squares = 0;
    for (int i = 0; i < kCount; ++i) {
      const auto number = draw() % 100;  // 6 % better, 3 % worse
      const double difference = number < 6 ? 1 : (number < 9 ? -1 : 0);
      sum += difference;
      squares += difference * difference;
    }
    const Interval interval = paired_interval(sum, squares, kCount);
    covered += interval.lower <= 0.03 && 0.03 <= interval.upper ? 1 : 0;
  }
  EXPECT_GT(covered, kTrials * 93 / 100);
  EXPECT_LT(covered, kTrials * 98 / 100);
}

}  // namespace
}  // namespace ompq::search
