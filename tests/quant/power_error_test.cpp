#include "ompq/quant/power_error.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include <gtest/gtest.h>

#include "ompq/quant/range_search.h"
#include "quant/tailed_values.h"

namespace ompq::quant {
namespace {

TEST(PowerError, EqualsTheSumOfPowers) {
  const Tensor x = testing::tailed_weight(1, 3001, 8);
  const auto values = x.data<float>();
  const auto [min, max] = std::minmax_element(values.begin(), values.end());
  for (const double power : {1.0, 2.0, 2.4, 3.3}) {
    for (const int bits : {2, 4, 8}) {
      const BitWidth width(bits);
      const SliceParams params = params_of_range(*min, *max, width, Symmetry::Asymmetric);
      const double expected = testing::exact_power_error(values, params, width, power);
      // x * (1/scale) differs from x / scale by one part in 2^23 of up to 255 steps.
      EXPECT_NEAR(power_error({values, {}}, params, width, power), expected, expected * 1e-4)
          << "power " << power << " bits " << bits;
    }
  }
}

TEST(PowerError, WeightsCountAsRepetitions) {
  const std::vector<float> once{0.1F, 0.1F, 0.1F, 0.4F};
  const std::vector<float> values{0.1F, 0.4F};
  const std::vector<float> weights{3.F, 1.F};
  const SliceParams params{0.3F, 0};
  const double expected = power_error({once, {}}, params, BitWidth(2), 2.4);
  EXPECT_NEAR(power_error({values, weights}, params, BitWidth(2), 2.4), expected, 1e-6 * expected);
}

TEST(PowerError, GivesUpAboveTheLimit) {
  const std::vector<float> values(10, 0.4F);
  EXPECT_TRUE(std::isinf(power_error({values, {}}, {1.F, 0}, BitWidth(2), 2.0, 1.0)));
  EXPECT_NEAR(power_error({values, {}}, {1.F, 0}, BitWidth(2), 2.0, 2.0), 1.6, 1e-5);
}

TEST(PowerError, OfOneSymmetricBitIsMeasuredFromTheHalves) {
  const std::vector<float> values{0.25F, -0.25F, 0.75F, -1.25F};  // levels -1/4 and 1/4
  EXPECT_NEAR(power_error({values, {}}, {0.5F, 1, 0.5F}, BitWidth(1), 2.0), 0.25 + 1.0, 1e-5);
}
}  // namespace
}  // namespace ompq::quant
