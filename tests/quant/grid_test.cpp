#include "ompq/quant/grid.h"

#include <cmath>
#include <limits>
#include <vector>

#include <gtest/gtest.h>

#include "quant/grids.h"

namespace ompq::quant {
namespace {

using testing::all_grids;
using testing::level_by_definition;
using testing::telling_numbers;

TEST(GridOf, HoldsTheLevelsOfEachSlice) {
  const QuantParams params{.bits = BitWidth(3),
                           .granularity = Granularity::along(0),
                           .scale = {0.5F, 0.25F},
                           .zero_point = {2, 7}};
  const Grid first = grid_of(params);
  EXPECT_EQ(first.scale, 0.5F);
  EXPECT_EQ(first.low, -2.0F);
  EXPECT_EQ(first.high, 5.0F);
  EXPECT_EQ(first.shift, 0.0F);
  const Grid second = grid_of(params, 1);
  EXPECT_EQ(second.scale, 0.25F);
  EXPECT_EQ(second.low, -7.0F);
  EXPECT_EQ(second.high, 0.0F);
}

TEST(GridOf, PutsTheLevelsOfOneSymmetricBitAtHalves) {
  const QuantParams params{
      .bits = BitWidth(1), .symmetry = Symmetry::Symmetric, .scale = {0.5F}, .zero_point = {1}};
  const Grid grid = grid_of(params);
  EXPECT_EQ(grid.low, -0.5F);
  EXPECT_EQ(grid.high, 0.5F);
  EXPECT_EQ(grid.shift, 0.5F);
}

TEST(LevelOf, IsTheDefinition) {
  for (const Grid& grid : all_grids()) {
    for (const float x : telling_numbers(grid)) {
      ASSERT_EQ(level_of(x, grid), level_by_definition(x, grid))
          << x << " at " << grid.scale << ", " << grid.low << ".." << grid.high;
      ASSERT_EQ(fake_quantized(x, grid), level_by_definition(x, grid) * grid.scale) << x;
    }
    EXPECT_TRUE(std::isnan(level_of(testing::kNotANumber, grid)));
  }
}

TEST(LevelOf, HasNoLevelForNothingOverNothing) {
  const Grid grid{0.0F, -4.0F, 3.0F, 0.0F};
  EXPECT_EQ(level_of(1.0F, grid), 3.0F);
  EXPECT_EQ(level_of(-1.0F, grid), -4.0F);
  EXPECT_TRUE(std::isnan(level_of(0.0F, grid)));
}
}  // namespace
}  // namespace ompq::quant
