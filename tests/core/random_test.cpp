#include "ompq/core/random.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include <gtest/gtest.h>

namespace ompq {
namespace {

TEST(Random, RepeatsItselfForTheSameSeed) {
  Random one(7);
  Random two(7);
  Random other(8);
  int equal_to_other = 0;
  for (int i = 0; i < 100; ++i) {
    const std::uint64_t drawn = one.next();
    EXPECT_EQ(drawn, two.next()) << i;
    equal_to_other += drawn == other.next() ? 1 : 0;
  }
  EXPECT_EQ(equal_to_other, 0);
}

TEST(Random, SplitStreamsDependOnSeedAndPurposeAlone) {
  Random used(7);
  static_cast<void>(used.next());
  EXPECT_EQ(Random(7).split("samples").next(), used.split("samples").next());
  EXPECT_NE(Random(7).split("samples").next(), Random(7).split("weights").next());
  EXPECT_NE(Random(7).split("samples").next(), Random(8).split("samples").next());
}

TEST(Random, BelowIsUniform) {
  constexpr int kBound = 10;
  constexpr int kDraws = 100'000;
  Random random(1);
  std::vector<int> counts(kBound);
  for (int i = 0; i < kDraws; ++i) ++counts.at(random.below(kBound));
  // Binomial: deviation sqrt(n p (1 - p)) = 95; five of them are passed once in two million times.
  const double expected = static_cast<double>(kDraws) / kBound;
  const double deviation = std::sqrt(expected * (1 - 1.0 / kBound));
  for (int value = 0; value < kBound; ++value) {
    EXPECT_NEAR(counts[value], expected, 5 * deviation) << value;
  }
}

TEST(Random, BelowOneIsAlwaysZero) {
  Random random(3);
  for (int i = 0; i < 10; ++i) EXPECT_EQ(random.below(1), 0U);
}

TEST(Random, UniformStaysInTheHalfOpenUnitInterval) {
  Random random(2);
  for (int i = 0; i < 100'000; ++i) {
    const double drawn = random.uniform();
    ASSERT_GE(drawn, 0.0);
    ASSERT_LT(drawn, 1.0);
  }
}

TEST(Random, NormalHasItsMoments) {
  constexpr int kDraws = 200'000;
  Random random(5);
  double sum = 0;
  double squares = 0;
  for (int i = 0; i < kDraws; ++i) {
    const double drawn = random.normal();
    sum += drawn;
    squares += drawn * drawn;
  }
  // Five deviations of the estimates: of the mean 1/sqrt(n), of the variance sqrt(2/n).
  EXPECT_NEAR(sum / kDraws, 0.0, 5 / std::sqrt(kDraws));
  EXPECT_NEAR(squares / kDraws, 1.0, 5 * std::sqrt(2.0 / kDraws));
}

TEST(Random, ShuffleKeepsEveryItemAndMovesThem) {
  std::vector<int> items(100);
  std::iota(items.begin(), items.end(), 0);
  const std::vector<int> before = items;
  Random(9).shuffle(items);
  EXPECT_NE(items, before);
  std::ranges::sort(items);
  EXPECT_EQ(items, before);
}

}  // namespace
}  // namespace ompq
