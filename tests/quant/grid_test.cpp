#include "ompq/quant/grid.h"

#include <bit>
#include <cmath>
#include <limits>
#include <vector>

#include <gtest/gtest.h>

#include "ompq/core/random.h"
#include "ompq/quant/fake_quantize.h"

namespace ompq::quant {
namespace {

constexpr float kInfinite = std::numeric_limits<float>::infinity();
constexpr float kNotANumber = std::numeric_limits<float>::quiet_NaN();

/// Grids of every width, with the zero point at both ends and between; of half levels at one bit.
std::vector<Grid> all_grids() {
  std::vector<Grid> grids;
  for (int bits = 1; bits <= 8; ++bits) {
    const BitWidth width(bits);
    for (const int zero : {0, width.levels() / 2, width.levels() - 1}) {
      for (const float scale : {0.25F, 0.0371F}) {
        grids.push_back(make_grid(scale, zero, width, 0.0F));
      }
    }
    grids.push_back(make_grid(0.375F, width.levels() / 2, width, 0.5F));
  }
  return grids;
}

/// Levels, the middles between them, what lies next to these, and beyond both ends.
std::vector<float> telling_numbers(const Grid& grid) {
  std::vector<float> numbers{0.0F, -0.0F, 1e-45F, -1e-45F, 3e38F, -3e38F, kInfinite, -kInfinite};
  for (float half = 2 * grid.low - 5; half <= 2 * grid.high + 5; ++half) {
    const float x = 0.5F * half * grid.scale;
    for (const float each : {x, std::nextafter(x, kInfinite), std::nextafter(x, -kInfinite)}) {
      numbers.push_back(each);
    }
  }
  Random random(5);
  for (int i = 0; i < 200; ++i) {
    numbers.push_back(static_cast<float>(random.normal()) * grid.scale * (grid.high - grid.low));
  }
  return numbers;
}

/// The definition: ties to even, then the ends.
float level_by_definition(float x, const Grid& grid) {
  const float level = std::nearbyint(x / grid.scale - grid.shift) + grid.shift;
  return std::min(std::max(level, grid.low), grid.high);
}

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
    EXPECT_TRUE(std::isnan(level_of(kNotANumber, grid)));
  }
}

TEST(LevelOf, HasNoLevelForNothingOverNothing) {
  const Grid grid{0.0F, -4.0F, 3.0F, 0.0F};
  EXPECT_EQ(level_of(1.0F, grid), 3.0F);
  EXPECT_EQ(level_of(-1.0F, grid), -4.0F);
  EXPECT_TRUE(std::isnan(level_of(0.0F, grid)));
}

TEST(FakeQuantizeSpans, EqualTheElementsAtEveryLength) {
  for (const Grid& grid : all_grids()) {
    std::vector<float> numbers = telling_numbers(grid);
    numbers.insert(numbers.begin() + 3, kNotANumber);
    for (std::size_t count : {std::size_t{0}, std::size_t{1}, std::size_t{37}, numbers.size()}) {
      const std::span<const float> given(numbers.data(), count);
      std::vector<float> quantized(count);
      std::vector<float> levels(count);
      fake_quantize(given, quantized, grid);
      levels_of(given, levels, grid);
      for (std::size_t i = 0; i < count; ++i) {
        const auto same = [](float a, float b) {
          return (std::isnan(a) && std::isnan(b)) ||
                 std::bit_cast<std::uint32_t>(a) == std::bit_cast<std::uint32_t>(b);
        };
        ASSERT_TRUE(same(quantized[i], fake_quantized(given[i], grid))) << given[i];
        ASSERT_TRUE(same(levels[i], level_of(given[i], grid))) << given[i];
      }
    }
  }
}

TEST(FakeQuantizeSlope, IsThePapers) {
  for (const Grid& grid : all_grids()) {
    for (const float x : telling_numbers(grid)) {
      const float ratio = x / grid.scale;
      const float level = level_by_definition(x, grid);
      const bool inside = ratio >= grid.low - grid.shift && ratio <= grid.high + grid.shift;
      for (const float factor : {1.0F, 0.0F}) {
        const auto slope = fake_quantize_slope(x, grid, factor);
        ASSERT_EQ(slope.passes, inside ? 1.0F : 0.0F) << x;
        ASSERT_EQ(slope.by_scale, inside ? factor * (level - ratio) : level) << x;
      }
    }
  }
}

TEST(FakeQuantizeSlope, ByTheScaleEqualsCentralDifferencesBeyondTheEnds) {
  // There y = scale x level, which is smooth in the scale.
  const Grid grid{0.25F, -8.0F, 7.0F, 0.0F};
  for (const float x : {50.0F, -60.0F}) {
    const auto value = [&](float scale) {
      return fake_quantized(x, {scale, grid.low, grid.high, grid.shift});
    };
    EXPECT_EQ(fake_quantize_slope(x, grid).by_scale, (value(0.3125F) - value(0.1875F)) / 0.125F);
  }
}

TEST(LsqGradientScale, IsThePapers) {
  EXPECT_DOUBLE_EQ(lsq_gradient_scale(100, 4), 1.0 / 20.0);
  EXPECT_DOUBLE_EQ(lsq_gradient_scale(25, 0), 1.0 / 5.0);
}

}  // namespace
}  // namespace ompq::quant
