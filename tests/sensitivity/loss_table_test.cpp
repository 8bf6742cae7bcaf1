#include "ompq/sensitivity/loss_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ompq/core/error.h"
#include "ompq/core/random.h"

namespace ompq::sensitivity {
namespace {

using ::testing::DoubleNear;
using ::testing::ElementsAre;

const std::vector<BitWidth> kWidths{BitWidth(2), BitWidth(3), BitWidth(4), BitWidth(8)};

TEST(ForbidGrowth, TakesAWiderWidthDownToTheNarrower) {
  LossTable table{kWidths, {4, 5, 1, 2, 0, 0, 3, 1}};
  forbid_growth(table);
  EXPECT_THAT(table.values, ElementsAre(4, 4, 1, 1, 0, 0, 0, 0));
}

TEST(MakeConvex, LeavesAConvexRowAlone) {
  LossTable table{kWidths, {9, 5, 2, 0}};
  make_convex(table);
  EXPECT_THAT(table.values, ElementsAre(9, 5, 2, 0));
}

TEST(MakeConvex, CutsWhatStandsAboveTheLineBetweenItsNeighbours) {
  // From (2, 10) to (4, 2) the line falls by 4 a bit; (3, 9) stands above it.
  LossTable table{kWidths, {10, 9, 2, 0}};
  make_convex(table);
  EXPECT_THAT(table.values, ElementsAre(10, 6, 2, 0));
}

TEST(MakeConvex, IsTheLargestConvexRowBelow) {
  Random random(3);
  for (int round = 0; round < 200; ++round) {
    LossTable table{kWidths, {}};
    for (std::size_t w = 0; w < kWidths.size(); ++w) table.values.push_back(random.uniform());
    const std::vector<double> given = table.values;
    make_convex(table);
    for (std::size_t m = 0; m < kWidths.size(); ++m) {
      // The envelope at m: the least value that any chord over m, or m itself, takes there.
      double expected = given[m];
      for (std::size_t i = 0; i < m; ++i) {
        for (std::size_t j = m + 1; j < kWidths.size(); ++j) {
          const double share = static_cast<double>(kWidths[m].value() - kWidths[i].value()) /
                               (kWidths[j].value() - kWidths[i].value());
          expected = std::min(expected, given[i] + share * (given[j] - given[i]));
        }
      }
      EXPECT_THAT(table.values[m], DoubleNear(expected, 1e-12)) << round << " " << m;
    }
  }
}

TEST(ExtrapolateWidths, FollowsTheSquaredChange) {
  LossTable table{kWidths, {8, 2, 0, 0, 6, 0, 0, 0}};
  const LossTable changes{kWidths, {4, 1, 0.25, 0.125, 1, 0, 0, 0}};
  extrapolate_widths(table, changes, BitWidth(3));
  EXPECT_THAT(table.values, ElementsAre(8, 2, 0.5, 0.25, 6, 0, 0, 0));
}

TEST(ExtrapolateWidths, NeedsAMeasuredWidth) {
  LossTable table{kWidths, {4, 3, 2, 1}};
  const LossTable changes = table;
  EXPECT_THROW(extrapolate_widths(table, changes, BitWidth(1)), ConfigError);
}

}  // namespace
}  // namespace ompq::sensitivity
