#include "ompq/quant/fake_quantize.h"

#include <bit>
#include <cmath>
#include <cstdint>
#include <span>
#include <vector>

#include <gtest/gtest.h>

#include "quant/grids.h"

namespace ompq::quant {
namespace {

using testing::all_grids;
using testing::level_by_definition;
using testing::telling_numbers;

TEST(FakeQuantizeSpans, EqualTheElementsAtEveryLength) {
  for (const Grid& grid : all_grids()) {
    std::vector<float> numbers = telling_numbers(grid);
    numbers.insert(numbers.begin() + 3, testing::kNotANumber);
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

TEST(FakeQuantizeSpans, MayBeOneAndTheSame) {
  const Grid grid{0.5F, -2.0F, 1.0F, 0.0F};
  std::vector<float> x{-9.0F, -0.6F, 0.1F, 0.3F, 0.75F, 4.0F};
  fake_quantize(x, x, grid);
  EXPECT_EQ(x, (std::vector<float>{-1.0F, -0.5F, 0.0F, 0.5F, 0.5F, 0.5F}));
  levels_of(x, x, grid);
  EXPECT_EQ(x, (std::vector<float>{-2.0F, -1.0F, 0.0F, 1.0F, 1.0F, 1.0F}));
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
