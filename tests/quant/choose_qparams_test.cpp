#include "ompq/quant/choose_qparams.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ompq/core/error.h"
#include "ompq/quant/quantized_tensor.h"
#include "quant/tailed_values.h"

namespace ompq::quant {
namespace {

using ::testing::Each;
using ::testing::HasSubstr;
using testing::tailed_weight;

/// The norm that ErrorSearch minimizes, by the book, for each slice of axis 0.
std::vector<double> exact_errors(const Tensor& x, const QuantParams& params, double power) {
  const auto original = x.to_floats();
  const auto back = fake_quantize(x, params).to_floats();
  std::vector<double> errors(params.scale.size());
  const std::size_t per_slice = original.size() / errors.size();
  for (std::size_t i = 0; i < original.size(); ++i) {
    errors[i / per_slice] += std::pow(std::abs(static_cast<double>(original[i]) - back[i]), power);
  }
  return errors;
}

TEST(ChooseQparams, MinMaxSpansTheValuesAndZero) {
  const auto x = Tensor::from<float>({3}, {1.F, 2.F, 7.F});
  const auto asymmetric = choose_qparams(x, {.bits = BitWidth(3), .method = RangeMethod::MinMax});
  EXPECT_FLOAT_EQ(asymmetric.scale[0], 1.F);
  EXPECT_EQ(asymmetric.zero_point[0], 0);
  const auto symmetric = choose_qparams(
      x, {.bits = BitWidth(3), .symmetry = Symmetry::Symmetric, .method = RangeMethod::MinMax});
  EXPECT_FLOAT_EQ(symmetric.scale[0], 7.F / 3);
  EXPECT_EQ(symmetric.zero_point[0], 4);
}

TEST(ChooseQparams, NegativeValuesMayUseTheExtraSymmetricStep) {
  const auto params = qparams_from_range(-8.F, 7.F, BitWidth(4), Symmetry::Symmetric);
  EXPECT_FLOAT_EQ(params.scale[0], 1.F);
}

TEST(ChooseQparams, ZeroSlicesGetScaleOne) {
  std::vector<float> values(12, 0.F);
  values[0] = 1;
  const auto x = Tensor::from<float>({3, 4}, values);
  for (const Symmetry symmetry : {Symmetry::Symmetric, Symmetry::Asymmetric}) {
    for (const RangeMethod method :
         {RangeMethod::MinMax, RangeMethod::Percentile, RangeMethod::ErrorSearch}) {
      const auto params = choose_qparams(x,
                                         {.bits = BitWidth(3),
                                          .symmetry = symmetry,
                                          .granularity = Granularity::along(0),
                                          .method = method});
      EXPECT_EQ(params.scale[1], 1.F);
      EXPECT_EQ(params.scale[2], 1.F);
      // 1 lies on one of the 3 levels above zero at least, up to a short scale's rounding.
      EXPECT_LT(params.scale[0], 0.5F);
    }
  }
}

TEST(ChooseQparams, AConstantSliceIsExact) {
  const auto x = Tensor::from<float>({2, 3}, {.7F, .7F, .7F, -3.F, -3.F, -3.F});
  const auto params =
      choose_qparams(x, {.bits = BitWidth(2), .granularity = Granularity::along(0)});
  const auto back = fake_quantize(x, params).to_floats();
  EXPECT_NEAR(back[0], .7F, 1e-6F);
  EXPECT_NEAR(back[4], -3.F, 1e-6F);
}

class ErrorSearch : public ::testing::TestWithParam<std::tuple<Symmetry, int, double>> {};

TEST_P(ErrorSearch, IsNeverWorseThanMinMaxInItsOwnNorm) {
  const auto [symmetry, bits, power] = GetParam();
  const Tensor x = tailed_weight(16, 333, static_cast<std::uint64_t>(bits));
  ChooseOptions options{.bits = BitWidth(bits),
                        .symmetry = symmetry,
                        .granularity = Granularity::along(0),
                        .method = RangeMethod::MinMax,
                        .error_power = power};
  const auto full = exact_errors(x, choose_qparams(x, options), power);
  options.method = RangeMethod::ErrorSearch;
  const auto searched = exact_errors(x, choose_qparams(x, options), power);
  for (std::size_t s = 0; s < full.size(); ++s) {
    // power_error promises 1e-6 for both candidates; a reciprocal scale may turn a tie.
    EXPECT_LE(searched[s], full[s] * (1 + 1e-5)) << "slice " << s;
  }
  if (bits >= 2 && bits <= 4) {
    EXPECT_LT(searched[0], 0.9 * full[0]) << "outliers at few bits leave much to gain";
  }
}

INSTANTIATE_TEST_SUITE_P(All,
                         ErrorSearch,
                         ::testing::Combine(::testing::Values(Symmetry::Symmetric,
                                                              Symmetry::Asymmetric),
                                            ::testing::Range(2, kMaxBits + 1),
                                            ::testing::Values(2.0, 2.4)));

TEST(Percentile, LeavesOutTheShareAtEachEnd) {
  std::vector<float> values(1001);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i) - 500;
  const auto x = Tensor::from<float>({1001}, values);
  const auto params =
      choose_qparams(x, {.bits = BitWidth(8), .method = RangeMethod::Percentile, .percentile = 98});
  // 2 % of 1001 are 20 values: ten at each end.
  EXPECT_FLOAT_EQ(params.scale[0], (490.F + 490.F) / 255);
}

TEST(Percentile, OfOneSignLeavesOutTheFarEndAlone) {
  std::vector<float> values(1000);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i);
  const auto x = Tensor::from<float>({1000}, values);
  const auto params =
      choose_qparams(x, {.bits = BitWidth(8), .method = RangeMethod::Percentile, .percentile = 99});
  EXPECT_FLOAT_EQ(params.scale[0], 989.F / 255);
  EXPECT_EQ(params.zero_point[0], 0);
}

TEST(Percentile, OfAllValuesIsMinMax) {
  const Tensor x = tailed_weight(4, 100, 5);
  ChooseOptions options{
      .granularity = Granularity::along(0), .method = RangeMethod::Percentile, .percentile = 100};
  const auto percentile = choose_qparams(x, options);
  options.method = RangeMethod::MinMax;
  EXPECT_EQ(percentile.scale, choose_qparams(x, options).scale);
}

TEST(ChooseQparams, SymmetricZeroPointIsTheMiddleCode) {
  const Tensor x = tailed_weight(5, 50, 6);
  for (int bits = 1; bits <= kMaxBits; ++bits) {
    const auto params = choose_qparams(x,
                                       {.bits = BitWidth(bits),
                                        .symmetry = Symmetry::Symmetric,
                                        .granularity = Granularity::along(0)});
    EXPECT_THAT(params.zero_point, Each(1 << (bits - 1)));
  }
}

TEST(ChooseQparams, ScalesWithTheData) {
  const Tensor x = tailed_weight(1, 500, 7);
  auto scaled = x.to_floats();
  for (float& value : scaled) value *= 1024;
  const ChooseOptions options{.bits = BitWidth(4)};
  const auto small = choose_qparams(x, options);
  const auto large = choose_qparams(Tensor::from<float>({1, 500}, scaled), options);
  EXPECT_FLOAT_EQ(large.scale[0], small.scale[0] * 1024);
  EXPECT_EQ(large.zero_point, small.zero_point);
}

TEST(ChooseQparams, TakesFloat16AndFloat64) {
  const auto x = Tensor::from<float>({4}, {-1.F, 0.F, 0.5F, 3.F});
  const ChooseOptions options{.bits = BitWidth(4), .method = RangeMethod::MinMax};
  const auto expected = choose_qparams(x, options);
  EXPECT_EQ(choose_qparams(x.converted_to(DataType::Float16), options).scale, expected.scale);
  EXPECT_EQ(choose_qparams(x.converted_to(DataType::Float64), options).scale, expected.scale);
}

TEST(ChooseQparams, ExtremeRangesStayUsable) {
  for (const float reach : {1e-44F, 1e-38F, 3e38F}) {
    const auto x = Tensor::from<float>({2}, {-reach, reach});
    for (int bits = 1; bits <= kMaxBits; ++bits) {
      const auto params = choose_qparams(x, {.bits = BitWidth(bits)});
      EXPECT_TRUE(std::isnormal(params.scale[0])) << reach << " at " << bits;
      const Tensor back = fake_quantize(x, params);
      for (const float value : back.data<float>()) EXPECT_TRUE(std::isfinite(value)) << reach;
    }
  }
}

TEST(ChooseQparams, NamesABadOption) {
  const Tensor x = tailed_weight(2, 3, 1);
  try {
    (void)choose_qparams(x, {.method = RangeMethod::Percentile, .percentile = 0});
    FAIL() << "percentile 0 was taken";
  } catch (const ConfigError& error) {
    EXPECT_THAT(error.what(), HasSubstr("percentile of 0"));
  }
  EXPECT_THROW((void)choose_qparams(x, {.error_power = 0}), ConfigError);
  EXPECT_THROW((void)choose_qparams(x, {.granularity = Granularity::along(2)}), ShapeError);
  EXPECT_THROW((void)qparams_from_range(1.F, -1.F, BitWidth(8), Symmetry::Symmetric), DataError);
}
}  // namespace
}  // namespace ompq::quant
