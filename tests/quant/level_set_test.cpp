#include "ompq/quant/level_set.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <map>
#include <random>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ompq/core/error.h"
#include "ompq/quant/choose_qparams.h"
#include "ompq/quant/grid.h"
#include "ompq/quant/quantized_tensor.h"

namespace ompq::quant {
namespace {

std::vector<float> normal_numbers(std::size_t count, float mean, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> distribution(mean, 1.0F);
  std::vector<float> values(count);
  for (float& value : values) value = distribution(random);
  return values;
}

/// The levels with the least squared error for normal numbers: each is the mean of the numbers
/// nearest to it (Lloyd's iteration on the distribution itself).
std::vector<double> optimal_levels(std::size_t count) {
  const auto density = [](double x) { return std::exp(-x * x / 2) / std::sqrt(2 * M_PI); };
  const auto below = [](double x) { return 0.5 * std::erfc(-x / std::sqrt(2.0)); };
  std::vector<double> levels(count);
  for (std::size_t i = 0; i < count; ++i) {
    levels[i] = (static_cast<double>(i) - (static_cast<double>(count) - 1) / 2) / 2;
  }
  for (int round = 0; round < 5000; ++round) {
    std::vector<double> ends{-40};
    for (std::size_t i = 0; i + 1 < count; ++i) ends.push_back((levels[i] + levels[i + 1]) / 2);
    ends.push_back(40);
    for (std::size_t i = 0; i < count; ++i) {
      levels[i] = (density(ends[i]) - density(ends[i + 1])) / (below(ends[i + 1]) - below(ends[i]));
    }
  }
  return levels;
}

/// Mean squared error for normal numbers of these levels and their negatives, with the best scale.
double error_for_normal_numbers(const std::vector<double>& positive) {
  constexpr int kPoints = 4000;
  constexpr double kEnd = 8.0;
  double least = 1.0;
  for (double outermost = 1.3; outermost < 3.2; outermost += 0.005) {
    const double scale = outermost / positive.back();
    double sum = 0.0;
    double weights = 0.0;
    std::size_t nearest = 0;
    for (int i = 0; i < kPoints; ++i) {
      const double x = kEnd * (i + 0.5) / kPoints;
      while (nearest + 1 < positive.size() &&
             x > scale * (positive[nearest] + positive[nearest + 1]) / 2) {
        ++nearest;
      }
      const double error = x - scale * positive[nearest];
      const double weight = std::exp(-x * x / 2);
      sum += weight * error * error;
      weights += weight;
    }
    least = std::min(least, sum / weights);
  }
  return least;
}

class NormalLevels : public ::testing::TestWithParam<int> {
 protected:
  [[nodiscard]] static BitWidth bits() { return BitWidth(GetParam()); }
};

TEST_P(NormalLevels, AreTheBestForNormalNumbers) {
  const LevelSet& set = normal_levels(bits());
  ASSERT_EQ(set.count, static_cast<std::size_t>(bits().levels()));
  const std::vector<double> best = optimal_levels(set.count);
  // With 3 bits the innermost is 12 instead of 11, a zero point, and the others follow.
  const double bound = GetParam() == 3 ? 1.2 : 0.51;
  for (std::size_t i = 0; i < set.count; ++i) {
    EXPECT_NEAR(set.level.at(i), best[i] / best.back() * kLargestNormalLevel, bound) << i;
  }
}

TEST_P(NormalLevels, HaveNoBetterNeighbours) {
  const LevelSet& set = normal_levels(bits());
  const std::vector<double> positive(set.level.begin() + set.count / 2,
                                     set.level.begin() + set.count);
  const double least = error_for_normal_numbers(positive);
  for (std::size_t i = 0; i + 1 < positive.size(); ++i) {
    const double step = i == 0 ? kNormalShiftStep : 1;  // the innermost is a zero point
    for (const double change : {-step, step}) {
      std::vector<double> other = positive;
      other[i] += change;
      if (other[i] <= 0) continue;
      EXPECT_GT(error_for_normal_numbers(other), least) << other[i];
    }
  }
}

TEST_P(NormalLevels, TheInnermostAreZeroPoints) {
  const int zero_point = zero_point_at_level(bits());
  EXPECT_GT(zero_point, 0);
  for (const int side : {zero_point, -zero_point}) {
    EXPECT_TRUE(zero_points_of(bits(), Symmetry::Normal).has(side));
    EXPECT_EQ(nearest_in(static_cast<float>(side), normal_levels(bits())), side);
  }
}

TEST_P(NormalLevels, ZerosOfSparseNumbersStayZeros) {
  std::vector<float> values = normal_numbers(4000, 0.0F, 5);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = i % 3 == 0 ? values[i] : 0.0F;
  const Tensor tensor = Tensor::from({2, 2000}, values);
  const QuantParams params = choose_qparams(tensor,
                                            {.bits = bits(),
                                             .symmetry = Symmetry::Normal,
                                             .granularity = Granularity::along(0),
                                             .error_power = 2.0});
  const Tensor rounded = dequantize(quantize(tensor, params));
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (values[i] != 0.0F) continue;
    ASSERT_EQ(rounded.data<float>()[i], 0.0F) << i;
  }
}

TEST_P(NormalLevels, AllZerosStayZeros) {
  const Tensor zeros = Tensor::from({1, 3}, std::vector<float>(3, 0.0F));
  const QuantParams params = choose_qparams(
      zeros, {.bits = bits(), .symmetry = Symmetry::Normal, .granularity = Granularity::along(0)});
  EXPECT_EQ(params.scale[0], 1.0F);
  EXPECT_EQ(dequantize(quantize(zeros, params)).data<float>()[0], 0.0F);
}

TEST_P(NormalLevels, RoundingTakesTheNearest) {
  const LevelSet& set = normal_levels(bits());
  std::vector<float> values = normal_numbers(1000, 0.0F, 1);
  for (float& value : values) value *= 50.0F;
  std::vector<float> rounded = values;
  round_to_set(rounded, set);
  for (std::size_t i = 0; i < values.size(); ++i) {
    float nearest = set.level[0];
    for (std::size_t k = 0; k < set.count; ++k) {
      if (std::abs(set.level[k] - values[i]) < std::abs(nearest - values[i]))
        nearest = set.level[k];
    }
    EXPECT_EQ(rounded[i], nearest) << values[i];
    EXPECT_EQ(nearest_in(values[i], set), nearest);
  }
}

TEST_P(NormalLevels, CodesAndLevelsAreInverse) {
  for (const int zero_point : {-32, 0, 28}) {
    const Grid grid = make_grid(0.5F, zero_point, bits(), 0.0F, &normal_levels(bits()));
    EXPECT_EQ(zero_point_of(grid), zero_point);
    for (int code = 0; code < bits().levels(); ++code) {
      const auto c = static_cast<std::uint8_t>(code);
      const float level = level_of_code(c, grid);
      EXPECT_EQ(code_of_level(level, grid), c);
      EXPECT_EQ(nearest_level(level, grid), level);
      EXPECT_GE(level, -128.0F);
      EXPECT_LE(level, 127.0F);
      const Cell cell = cell_of(level, grid);
      EXPECT_EQ(nearest_level(level + 0.99F * cell.above, grid), level);
      EXPECT_EQ(nearest_level(level - 0.99F * cell.below, grid), level);
    }
    EXPECT_EQ(grid.low, level_of_code(0, grid));
    EXPECT_EQ(grid.high, level_of_code(static_cast<std::uint8_t>(bits().levels() - 1), grid));
  }
}

double squared_error(const std::vector<float>& values, BitWidth bits, Symmetry symmetry) {
  const auto count = static_cast<std::int64_t>(values.size());
  const Tensor tensor = Tensor::from({1, count}, values);
  const QuantParams params = choose_qparams(tensor,
                                            {.bits = bits,
                                             .symmetry = symmetry,
                                             .granularity = Granularity::along(0),
                                             .error_power = 2.0});
  const Tensor rounded = dequantize(quantize(tensor, params));
  EXPECT_EQ(fake_quantize(tensor, params).data<float>()[0], rounded.data<float>()[0]);
  double sum = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const double error = static_cast<double>(values[i]) - rounded.data<float>()[i];
    sum += error * error;
  }
  return sum / static_cast<double>(values.size());
}

TEST_P(NormalLevels, HaveAboutTheLeastError) {
  // Max 1960, table I.
  const std::map<int, double> least{{2, 0.1175}, {3, 0.03454}, {4, 0.009497}};
  for (const float mean : {0.0F, 0.3F}) {
    const std::vector<float> values = normal_numbers(20000, mean, 2);
    const double normal = squared_error(values, bits(), Symmetry::Normal);
    EXPECT_LT(normal, 1.06 * least.at(GetParam())) << mean;
    EXPECT_LT(normal, 0.97 * squared_error(values, bits(), Symmetry::Asymmetric)) << mean;
  }
}

TEST_P(NormalLevels, AllNumbersOfOneSignFit) {
  for (const float sign : {1.0F, -1.0F}) {
    const Tensor tensor = Tensor::from({1, 3}, std::vector<float>{sign, 2 * sign, 3 * sign});
    const QuantParams params = choose_qparams(tensor,
                                              {.bits = bits(),
                                               .symmetry = Symmetry::Normal,
                                               .granularity = Granularity::along(0),
                                               .method = RangeMethod::MinMax});
    EXPECT_TRUE(zero_points_of(bits(), Symmetry::Normal).has(params.zero_point[0]));
    EXPECT_NEAR(dequantize(quantize(tensor, params)).data<float>()[2], 3 * sign, 1e-5);
  }
}

INSTANTIATE_TEST_SUITE_P(Widths, NormalLevels, ::testing::Values(2, 3, 4));

TEST(NormalLevel, OtherWidthsAndZeroPointsAreRefused) {
  const Tensor tensor = Tensor::from({1, 2}, std::vector<float>{-1, 1});
  QuantParams params{
      .bits = BitWidth(4), .symmetry = Symmetry::Normal, .scale = {0.1F}, .zero_point = {3}};
  EXPECT_THAT([&] { (void)quantize(tensor, params); },
              ::testing::ThrowsMessage<ConfigError>(::testing::HasSubstr("-32..28 in steps of 4")));
  params.zero_point = {4};
  EXPECT_NO_THROW((void)quantize(tensor, params));
  params.bits = BitWidth(5);
  EXPECT_THAT(
      [&] { (void)quantize(tensor, params); },
      ::testing::ThrowsMessage<ConfigError>(::testing::HasSubstr("5 bits have no normal levels")));
}

TEST(NormalLevel, AreForWidthsThatHaveThem) {
  EXPECT_EQ(weight_symmetry(Symmetry::Normal, BitWidth(1)), Symmetry::Symmetric);
  EXPECT_EQ(weight_symmetry(Symmetry::Normal, BitWidth(2)), Symmetry::Normal);
  EXPECT_EQ(weight_symmetry(Symmetry::Normal, BitWidth(4)), Symmetry::Normal);
  EXPECT_EQ(weight_symmetry(Symmetry::Normal, BitWidth(5)), Symmetry::Asymmetric);
}

}  // namespace
}  // namespace ompq::quant
