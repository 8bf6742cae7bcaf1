#include "ompq/quant/range_search.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include <gtest/gtest.h>

#include "ompq/core/random.h"
#include "quant/tailed_values.h"

namespace ompq::quant {
namespace {

void expect_params(const SliceParams& got, float scale, std::int32_t zero_point, float shift) {
  EXPECT_FLOAT_EQ(got.scale, scale);
  EXPECT_EQ(got.zero_point, zero_point);
  EXPECT_EQ(got.shift, shift);
}

TEST(ParamsOfRange, AsymmetricLevelsSpanTheRangeAndZero) {
  expect_params(params_of_range(-1, 2, BitWidth(2), Symmetry::Asymmetric), 1.0F, 1, 0.0F);
  expect_params(params_of_range(2, 6, BitWidth(2), Symmetry::Asymmetric), 2.0F, 0, 0.0F);
  expect_params(params_of_range(-6, -2, BitWidth(2), Symmetry::Asymmetric), 2.0F, 3, 0.0F);
}

TEST(ParamsOfRange, SymmetricLevelsReachOneFurtherBelowZero) {
  expect_params(params_of_range(-8, 7, BitWidth(4), Symmetry::Symmetric), 1.0F, 8, 0.0F);
  expect_params(params_of_range(-8, 14, BitWidth(4), Symmetry::Symmetric), 2.0F, 8, 0.0F);
}

TEST(ParamsOfRange, OneSymmetricBitHasItsLevelsAtBothEnds) {
  expect_params(params_of_range(-3, 2, BitWidth(1), Symmetry::Symmetric), 6.0F, 1, 0.5F);
}

TEST(ParamsOfRange, OfZerosIsOneOrTheSmallestScale) {
  expect_params(params_of_range(0, 0, BitWidth(4), Symmetry::Asymmetric), 1.0F, 0, 0.0F);
  expect_params(params_of_range(0, 0, BitWidth(4), Symmetry::Symmetric), 1.0F, 8, 0.0F);
  expect_params(params_of_range(0, 0, BitWidth(1), Symmetry::Symmetric), 0x1p-40F, 1, 0.5F);
}

TEST(ParamsOfRange, KeepsScalesWithAFiniteInverse) {
  for (const double reach : {1e-44, 1e-38, 3e38}) {
    for (int bits = 1; bits <= kMaxBits; ++bits) {
      for (const Symmetry symmetry : {Symmetry::Symmetric, Symmetry::Asymmetric}) {
        const SliceParams params = params_of_range(-reach, reach, BitWidth(bits), symmetry);
        EXPECT_TRUE(std::isnormal(params.scale)) << reach << " at " << bits;
        EXPECT_TRUE(std::isfinite(1.0F / params.scale)) << reach << " at " << bits;
      }
    }
  }
}

TEST(SearchRange, FindsTheBestOfAFineGridOfCommonFactors) {
  const Tensor x = testing::tailed_weight(1, 2000, 3);
  const auto values = x.data<float>();
  const auto [min, max] = std::minmax_element(values.begin(), values.end());
  for (const Symmetry symmetry : {Symmetry::Symmetric, Symmetry::Asymmetric}) {
    const ChooseOptions options{.bits = BitWidth(3), .symmetry = symmetry, .error_power = 2.4};
    const SliceParams found = search_range({values, {}}, *min, *max, options);
    const double error = testing::exact_power_error(values, found, options.bits, 2.4);
    for (int i = 0; i < 80; ++i) {
      const double factor = 1 - 0.01 * i;
      const SliceParams candidate =
          params_of_range(*min * factor, *max * factor, options.bits, symmetry);
      // power_error() is exact up to one part in 10^4.
      EXPECT_LE(error,
                testing::exact_power_error(values, candidate, options.bits, 2.4) * (1 + 1e-4))
          << "factor " << factor;
    }
  }
}

TEST(SearchRange, ShrinksALongTailByItself) {
  std::vector<float> values(4000);
  Random random(4);
  for (float& value : values) value = static_cast<float>(random.uniform() * 2 - 1);
  values[0] = 5;
  const auto params =
      search_range({values, {}},
                   -1,
                   5,
                   {.bits = BitWidth(3), .symmetry = Symmetry::Asymmetric, .error_power = 2.4});
  const float upper = params.scale * static_cast<float>(7 - params.zero_point);
  const float lower = -params.scale * static_cast<float>(params.zero_point);
  // Clipping 5 to 1 costs 4^2.4 = 28. Eight levels over -1..5 cost about 4000 (3/7)^2.4 / 3.4 =
  // 154 in rounding, over -1..1 eleven.
  EXPECT_LT(upper, 3.F);
  EXPECT_LT(lower, -0.6F);
}

TEST(SearchRange, KeepsARangeThatIsExact) {
  const std::vector<float> values{-2, -1, 0, 1};
  const ChooseOptions options{.bits = BitWidth(2), .symmetry = Symmetry::Asymmetric};
  expect_params(search_range({values, {}}, -2, 1, options), 1.0F, 2, 0.0F);
}

TEST(SearchRange, CountsWeights) {
  // One far value: clipped while it counts once, held if it counts as often as all others.
  const std::vector<float> values{-1, -0.5F, 0.25F, 0.5F, 1, 40};
  const ChooseOptions options{.bits = BitWidth(4), .symmetry = Symmetry::Symmetric};
  const auto reach = [&](float weight) {
    const std::vector<float> weights{1000, 1000, 1000, 1000, 1000, weight};
    return 7 * search_range({values, weights}, -1, 40, options).scale;
  };
  EXPECT_LT(reach(0.001F), 10.0F);
  EXPECT_GT(reach(1000.0F), 30.0F);
}
}  // namespace
}  // namespace ompq::quant
