#include "ompq/quant/quantized_tensor.h"

#include <cmath>
#include <limits>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ompq/core/error.h"
#include "ompq/core/random.h"
#include "ompq/quant/choose_qparams.h"

namespace ompq::quant {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

QuantParams one_scale(int bits, float scale, std::int32_t zero_point) {
  return {BitWidth(bits), Symmetry::Asymmetric, Granularity::per_tensor(), {scale}, {zero_point}};
}

std::vector<float> random_values(std::size_t count, std::uint64_t seed) {
  Random random(seed);
  std::vector<float> values(count);
  for (float& value : values) value = static_cast<float>(random.normal() + 0.3);
  return values;
}

TEST(Quantize, RoundsHalfToEvenAndClampsToTheCodes) {
  const auto x = Tensor::from<float>({9}, {-3.F, -1.5F, -.5F, 0.F, .5F, 1.5F, 2.5F, 3.4F, 100.F});
  const QuantizedTensor q = quantize(x, one_scale(3, 1.F, 2));
  EXPECT_THAT(q.codes, ElementsAre(0, 0, 2, 2, 2, 4, 4, 5, 7));
}

TEST(Quantize, EqualsNearbyintOfTheQuotientForEveryWidth) {
  const auto values = random_values(1003, 5);
  const auto x = Tensor::from<float>({1003}, values);
  for (int bits = 1; bits <= kMaxBits; ++bits) {
    const auto params = one_scale(bits, 0.037F, (1 << bits) / 3);
    const QuantizedTensor q = quantize(x, params);
    for (std::size_t i = 0; i < values.size(); ++i) {
      const float level = std::nearbyint(values[i] / 0.037F) + static_cast<float>((1 << bits) / 3);
      const float code = std::min(std::max(level, 0.F), static_cast<float>((1 << bits) - 1));
      ASSERT_EQ(q.codes[i], code) << "bits " << bits << " index " << i << " x " << values[i];
    }
  }
}

TEST(Quantize, HugeRatiosClampInsteadOfOverflowing) {
  const auto x = Tensor::from<float>({2}, {std::numeric_limits<float>::max(), -1e30F});
  EXPECT_THAT(quantize(x, one_scale(8, 1e-30F, 128)).codes, ElementsAre(255, 0));
}

TEST(FakeQuantize, EqualsDequantizeOfQuantize) {
  const auto x = Tensor::from<float>({4, 5, 6}, random_values(120, 6));
  for (std::int64_t axis = 0; axis < 3; ++axis) {
    const auto params = choose_qparams(x,
                                       {.bits = BitWidth(4),
                                        .granularity = Granularity::along(axis),
                                        .method = RangeMethod::MinMax});
    EXPECT_TRUE(fake_quantize(x, params).equals(dequantize(quantize(x, params)))) << axis;
  }
}

TEST(Quantize, UsesTheScaleOfEachSliceOfAnyAxis) {
  const std::vector<float> values{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
  const auto x = Tensor::from<float>({2, 3, 2}, values);
  for (std::int64_t axis = -3; axis < 3; ++axis) {
    const std::int64_t extent = x.shape()[static_cast<std::size_t>((axis + 3) % 3)];
    QuantParams params{BitWidth(8), Symmetry::Asymmetric, Granularity::along(axis), {}, {}};
    for (std::int64_t s = 0; s < extent; ++s) {
      params.scale.push_back(static_cast<float>(1 << s));
      params.zero_point.push_back(static_cast<std::int32_t>(s));
    }
    const QuantizedTensor q = quantize(x, params);
    for (std::int64_t i = 0; i < 12; ++i) {
      const std::int64_t at[] = {i / 6, i / 2 % 3, i % 2};
      const std::int64_t s = at[(axis + 3) % 3];
      const float expected =
          std::nearbyint(values[static_cast<std::size_t>(i)] / static_cast<float>(1 << s)) +
          static_cast<float>(s);
      EXPECT_EQ(q.codes[static_cast<std::size_t>(i)], expected)
          << "axis " << axis << " index " << i;
    }
  }
}

class RoundTrip : public ::testing::TestWithParam<std::tuple<Symmetry, int>> {};

TEST_P(RoundTrip, ErrsByHalfAStepAtMostInsideTheRange) {
  const auto [symmetry, bits] = GetParam();
  const auto values = random_values(4000, static_cast<std::uint64_t>(bits));
  const auto x = Tensor::from<float>({8, 500}, values);
  const auto params = choose_qparams(x,
                                     {.bits = BitWidth(bits),
                                      .symmetry = symmetry,
                                      .granularity = Granularity::along(0),
                                      .method = RangeMethod::MinMax});
  const auto back = fake_quantize(x, params).to_floats();
  for (std::size_t i = 0; i < values.size(); ++i) {
    const float scale = params.scale[i / 500];
    // Half a step, and what float32 loses in the quotient and the product.
    const float bound = scale / 2 + 4 * std::numeric_limits<float>::epsilon() * std::abs(values[i]);
    ASSERT_LE(std::abs(back[i] - values[i]), bound) << "index " << i << " x " << values[i];
  }
}

INSTANTIATE_TEST_SUITE_P(Symmetric,
                         RoundTrip,
                         ::testing::Combine(::testing::Values(Symmetry::Symmetric),
                                            ::testing::Range(1, kMaxBits + 1)));
INSTANTIATE_TEST_SUITE_P(Asymmetric,
                         RoundTrip,
                         ::testing::Combine(::testing::Values(Symmetry::Asymmetric),
                                            ::testing::Range(1, kMaxBits + 1)));

TEST(Quantize, KeepsZeroExact) {
  auto values = random_values(300, 9);
  values[7] = 0;
  const auto x = Tensor::from<float>({300}, values);
  for (const Symmetry symmetry : {Symmetry::Symmetric, Symmetry::Asymmetric}) {
    for (const RangeMethod method :
         {RangeMethod::MinMax, RangeMethod::Percentile, RangeMethod::ErrorSearch}) {
      for (int bits = symmetry == Symmetry::Symmetric ? 2 : 1; bits <= kMaxBits; ++bits) {
        const auto params =
            choose_qparams(x, {.bits = BitWidth(bits), .symmetry = symmetry, .method = method});
        EXPECT_EQ(fake_quantize(x, params).to_floats()[7], 0.F) << "bits " << bits;
      }
    }
  }
}

TEST(Quantize, OneSymmetricBitHasALevelOnEitherSideOfZero) {
  const QuantParams params{BitWidth(1), Symmetry::Symmetric, Granularity::per_tensor(), {3.F}, {1}};
  const auto x = Tensor::from<float>({6}, {-100.F, -1.6F, -0.1F, 0.1F, 1.4F, 7.F});
  const QuantizedTensor q = quantize(x, params);
  EXPECT_THAT(q.codes, ElementsAre(0, 0, 0, 1, 1, 1));
  EXPECT_THAT(dequantize(q).to_floats(), ElementsAre(-1.5F, -1.5F, -1.5F, 1.5F, 1.5F, 1.5F));
  EXPECT_TRUE(fake_quantize(x, params).equals(dequantize(q)));
}

TEST(Quantize, OneSymmetricBitErrsAsTheoryHasItForNormalNumbers) {
  Random random(17);
  std::vector<float> values(20000);
  for (float& value : values) value = static_cast<float>(random.normal());
  const auto x = Tensor::from<float>({20000}, values);
  const auto params =
      choose_qparams(x, {.bits = BitWidth(1), .symmetry = Symmetry::Symmetric, .error_power = 2.0});
  const auto back = fake_quantize(x, params).to_floats();
  double error = 0.0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    error +=
        (static_cast<double>(values[i]) - back[i]) * (static_cast<double>(values[i]) - back[i]);
  }
  // 1 - 2 / pi; 20,000 numbers tell it to one percent or so, and steps of the search cost little.
  EXPECT_NEAR(error / 20000, 0.3634, 0.01);
}

TEST(Quantize, RefusesNumbersThatAreNotFinite) {
  for (const float bad : {std::nanf(""), std::numeric_limits<float>::infinity()}) {
    auto values = random_values(70, 3);
    values[41] = bad;
    const auto x = Tensor::from<float>({70}, values);
    try {
      (void)quantize(x, one_scale(8, 1.F, 0));
      FAIL() << "no error for " << bad;
    } catch (const DataError& error) {
      EXPECT_THAT(error.what(), HasSubstr("element 41 of 70"));
    }
    EXPECT_THROW((void)choose_qparams(x, {}), DataError);
    EXPECT_THROW((void)fake_quantize(x, one_scale(8, 1.F, 0)), DataError);
  }
}

TEST(Quantize, RefusesParametersThatDoNotFitTheTensor) {
  const auto x = Tensor::from<float>({2, 3}, std::vector<float>(6, 1.F));
  auto params = one_scale(4, 1.F, 0);
  params.granularity = Granularity::along(1);
  EXPECT_THROW((void)quantize(x, params), ShapeError) << "one scale for three slices";
  params.granularity = Granularity::along(2);
  EXPECT_THROW((void)quantize(x, params), ShapeError) << "no such axis";
  EXPECT_THROW((void)quantize(x, one_scale(4, 0.F, 0)), ConfigError) << "scale 0";
  EXPECT_THROW((void)quantize(x, one_scale(4, 1.F, 16)), ConfigError) << "zero point 16";
}

TEST(Dequantize, RefusesCodesThatDoNotFillTheShape) {
  const QuantizedTensor q{one_scale(4, 1.F, 0), {2, 3}, {1, 2, 3}};
  EXPECT_THROW((void)dequantize(q), ShapeError);
}

TEST(Quantize, TakesAnEmptyTensor) {
  const Tensor x(DataType::Float32, {0, 3});
  const auto params = choose_qparams(x, {.granularity = Granularity::along(1)});
  EXPECT_THAT(params.scale, ElementsAre(1.F, 1.F, 1.F));
  EXPECT_TRUE(quantize(x, params).codes.empty());
}

}  // namespace
}  // namespace ompq::quant
