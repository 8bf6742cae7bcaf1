#include "ompq/quant/histogram_observer.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ompq/core/error.h"
#include "ompq/core/half.h"
#include "ompq/core/random.h"

namespace ompq::quant {
namespace {

using ::testing::HasSubstr;

MatrixView view(const std::vector<float>& values) {
  const auto count = static_cast<std::int64_t>(values.size());
  return {values.data(), DataType::Float32, 1, count, count};
}

std::vector<float> skewed(std::size_t count, std::uint64_t seed) {
  Random random(seed);
  std::vector<float> values(count);
  for (float& value : values) {
    const double x = random.normal();
    value = static_cast<float>(x * x * x + 0.5);
  }
  return values;
}

double total(const HistogramObserver& histogram) {
  return std::accumulate(histogram.bins().begin(), histogram.bins().end(), 0.0);
}

TEST(HistogramObserver, CountsEachValueInTheBinThatHoldsIt) {
  const auto values = skewed(5000, 1);
  HistogramObserver histogram(64);
  histogram.observe(view(values));
  std::vector<double> expected(64);
  for (const float value : values) {
    const double bin = (value - histogram.lower_edge()) / histogram.bin_width();
    expected.at(static_cast<std::size_t>(bin)) += 1;
  }
  EXPECT_EQ(histogram.bins(), expected);
}

TEST(HistogramObserver, UsesAtLeastHalfOfItsBins) {
  HistogramObserver histogram(256);
  const auto values = skewed(5000, 2);
  histogram.observe(view(values));
  EXPECT_GE((histogram.max() - histogram.min()) / histogram.bin_width(), 127);
}

TEST(HistogramObserver, StreamingEqualsOneShotInAnyOrder) {
  const auto values = skewed(20'011, 3);
  HistogramObserver whole(512);
  whole.observe(view(values));

  auto ascending = values;  // every piece widens the range
  std::sort(ascending.begin(), ascending.end(), [](float a, float b) {
    return std::abs(a) < std::abs(b);
  });
  for (const auto& order : {values, ascending}) {
    HistogramObserver pieces(512);
    for (std::size_t at = 0; at < order.size(); at += 1000) {
      const std::size_t end = std::min(order.size(), at + 1000);
      pieces.observe(view({order.begin() + static_cast<std::ptrdiff_t>(at),
                           order.begin() + static_cast<std::ptrdiff_t>(end)}));
    }
    EXPECT_EQ(pieces.bins(), whole.bins());
    EXPECT_EQ(pieces.bin_width(), whole.bin_width());
    EXPECT_EQ(pieces.lower_edge(), whole.lower_edge());
    EXPECT_EQ(pieces.min(), whole.min());
    EXPECT_EQ(pieces.max(), whole.max());
    EXPECT_EQ(pieces.count(), whole.count());
  }
}

TEST(HistogramObserver, GrowsFromZerosToLargeValuesAndLosesNone) {
  HistogramObserver histogram(128);
  histogram.observe(view(std::vector<float>(1000, 0.F)));
  histogram.observe(view({1e-20F, -3.F}));
  histogram.observe(view({1e30F}));
  EXPECT_EQ(total(histogram), 1003);
  EXPECT_EQ(histogram.bins().size(), 128U);
  EXPECT_EQ(histogram.min(), -3.F);
  EXPECT_EQ(histogram.max(), 1e30F);
}

TEST(HistogramObserver, KeepsTheWholeFloatRange) {
  constexpr float kMax = std::numeric_limits<float>::max();
  HistogramObserver histogram(16);
  histogram.observe(view({-kMax, 0.F, kMax}));
  EXPECT_EQ(total(histogram), 3);
  EXPECT_EQ(histogram.bins().front(), 1);
  EXPECT_TRUE(std::isfinite(histogram.choose_qparams({}).scale[0]));
}

TEST(HistogramObserver, ReadsRowsWithAStrideAndEveryFloatType) {
  const std::vector<float> values{1, 2, -77, 3, 4, -77};  // the third of each row is not ours
  HistogramObserver float32(64);
  float32.observe({values.data(), DataType::Float32, 2, 2, 3});
  EXPECT_EQ(float32.min(), 1.F);
  EXPECT_EQ(float32.max(), 4.F);
  EXPECT_EQ(float32.count(), 4);

  std::vector<std::uint16_t> halves;
  for (const float value : values) halves.push_back(float_to_bfloat16(value));
  HistogramObserver bfloat16(64);
  bfloat16.observe({halves.data(), DataType::BFloat16, 2, 2, 3});
  EXPECT_EQ(bfloat16.bins(), float32.bins());

  const std::vector<double> doubles(values.begin(), values.end());
  HistogramObserver float64(64);
  float64.observe({doubles.data(), DataType::Float64, 2, 2, 3});
  EXPECT_EQ(float64.bins(), float32.bins());

  EXPECT_THROW(float64.observe({doubles.data(), DataType::Int64, 2, 2, 3}), ShapeError);
}

TEST(HistogramObserver, MinMaxIsExact) {
  const auto values = skewed(3000, 4);
  HistogramObserver histogram;
  histogram.observe(view(values));
  const ChooseOptions options{.method = RangeMethod::MinMax};
  const auto exact = choose_qparams(Tensor::from<float>({3000}, values), options);
  EXPECT_EQ(histogram.choose_qparams(options).scale, exact.scale);
  EXPECT_EQ(histogram.choose_qparams(options).zero_point, exact.zero_point);
}

TEST(HistogramObserver, PercentileEqualsTheExactOneWithinABin) {
  const auto values = skewed(50'000, 5);
  const auto x = Tensor::from<float>({50'000}, values);
  HistogramObserver histogram;
  histogram.observe(view(values));
  for (const Symmetry symmetry : {Symmetry::Symmetric, Symmetry::Asymmetric}) {
    for (const double percentile : {50.0, 99.0, 99.9, 99.99, 100.0}) {
      const ChooseOptions options{
          .symmetry = symmetry, .method = RangeMethod::Percentile, .percentile = percentile};
      const double exact = choose_qparams(x, options).scale[0];
      const double got = histogram.choose_qparams(options).scale[0];
      // A bin at each end, of a range of 255 steps (127 for the symmetric one's upper half).
      const double bound =
          2 * histogram.bin_width() / (symmetry == Symmetry::Symmetric ? 127 : 255);
      EXPECT_NEAR(got, exact, bound) << percentile;
    }
  }
}

TEST(HistogramObserver, ErrorSearchFindsNearlyTheRangeOfTheValuesThemselves) {
  const auto values = skewed(30'000, 6);
  const auto x = Tensor::from<float>({30'000}, values);
  HistogramObserver histogram;
  histogram.observe(view(values));
  for (const int bits : {3, 4, 8}) {
    const ChooseOptions options{.bits = BitWidth(bits)};
    const auto error = [&](const QuantParams& params) {
      return power_error(
          {values, {}}, {params.scale[0], params.zero_point[0]}, options.bits, options.error_power);
    };
    const double exact = error(choose_qparams(x, options));
    const double got = error(histogram.choose_qparams(options));
    const double full =
        error(histogram.choose_qparams({.bits = BitWidth(bits), .method = RangeMethod::MinMax}));
    // Steps of one percent in range: neighbouring candidates differ by a few percent in error.
    EXPECT_LE(got, exact * 1.05) << bits << " bits";
    EXPECT_LE(got, full) << bits << " bits";
  }
}

TEST(HistogramObserver, ZerosAfterAReluStayExact) {
  std::vector<float> values = skewed(10'000, 7);
  for (float& value : values) value = std::max(value, 0.F);
  HistogramObserver histogram;
  histogram.observe(view(values));
  const auto params = histogram.choose_qparams({});
  EXPECT_EQ(params.zero_point[0], 0);
}

TEST(HistogramObserver, RefusesNanAndInfinity) {
  for (const float bad : {std::nanf(""), -std::numeric_limits<float>::infinity()}) {
    HistogramObserver histogram;
    EXPECT_THROW(histogram.observe(view({1.F, bad, 2.F})), DataError);
  }
}

TEST(HistogramObserver, SaysThatNothingWasObserved) {
  try {
    (void)HistogramObserver().choose_qparams({});
    FAIL() << "an empty histogram gave a quantizer";
  } catch (const DataError& error) {
    EXPECT_THAT(error.what(), HasSubstr("no values were observed"));
  }
  EXPECT_THROW(HistogramObserver(2), ConfigError);
}

}  // namespace
}  // namespace ompq::quant
