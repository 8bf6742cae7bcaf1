#include "ompq/search/rank_correlation.h"

#include <cmath>
#include <vector>

#include <gtest/gtest.h>

#include "ompq/core/error.h"

namespace ompq::search {
namespace {

TEST(RankCorrelation, IsOneForAnyGrowingAndMinusOneForAnyFallingFunction) {
  const std::vector<double> x{3, -1, 8, 0.5, 100};
  std::vector<double> growing;
  std::vector<double> falling;
  for (const double value : x) {
    growing.push_back(std::exp(value / 10));
    falling.push_back(-value * value * value);
  }
  EXPECT_DOUBLE_EQ(*rank_correlation(x, growing), 1.0);
  EXPECT_DOUBLE_EQ(*rank_correlation(x, falling), -1.0);
}

TEST(RankCorrelation, FollowsTheFormulaForDistinctRanks) {
  const std::vector<double> a{1, 2, 3, 4, 5};
  const std::vector<double> b{2, 1, 4, 3, 5};  // rank differences 1, 1, 1, 1, 0
  EXPECT_DOUBLE_EQ(*rank_correlation(a, b), 1 - 6.0 * 4 / (5 * 24));
}

TEST(RankCorrelation, GivesEqualValuesTheirMeanRank) {
  const std::vector<double> a{1, 1, 2};  // ranks 0.5, 0.5, 2
  const std::vector<double> b{1, 2, 3};
  EXPECT_DOUBLE_EQ(*rank_correlation(a, b), 1.5 / std::sqrt(1.5 * 2.0));
}

TEST(RankCorrelation, SaysNothingOfTooFewOrEqualValues) {
  EXPECT_FALSE(rank_correlation(std::vector<double>{1, 2}, std::vector<double>{1, 2}));
  EXPECT_FALSE(rank_correlation(std::vector<double>{1, 2, 3}, std::vector<double>{4, 4, 4}));
}

TEST(RankCorrelation, RefusesSeriesOfDifferentLengths) {
  EXPECT_THROW((void)rank_correlation(std::vector<double>{1, 2, 3}, std::vector<double>{1, 2}),
               ShapeError);
}

}  // namespace
}  // namespace ompq::search
