#include "ompq/reconstruction/block_rounding.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include <gtest/gtest.h>

#include "ompq/core/error.h"
#include "ompq/quant/choose_qparams.h"
#include "ompq/quant/grid.h"
#include "ompq/quant/short_scale.h"
#include "support/memory_dataset.h"

namespace ompq::reconstruction {
namespace {

quant::QuantizedTensor nearest_codes(const Tensor& weight, int bits, std::int64_t axis = 0) {
  quant::QuantParams params = quant::choose_qparams(
      weight, {.bits = BitWidth(bits), .granularity = quant::Granularity::along(axis)});
  quant::shorten_scales(params, quant::Snap::Nearest);
  return quant::quantize(weight, params);
}

TEST(RectifiedSigmoid, InverseGivesItsArgumentBack) {
  for (const float h : {0.0F, 0.1F, 0.5F, 0.73F, 1.0F}) {
    // Slope 0.25 x 1.2 at most 1 / 0.09 steeper at the ends; a few roundings of 2^-24.
    EXPECT_NEAR(rectified_sigmoid(inverse_rectified_sigmoid(h)), h, 1e-6) << h;
  }
}

TEST(RectifiedSigmoid, EqualsItsFormula) {
  for (float v = -100.0F; v <= 100.0F; v += 0.37F) {
    const double exact = std::min(std::max(1.2 / (1.0 + std::exp(-double{v})) - 0.1, 0.0), 1.0);
    EXPECT_NEAR(rectified_sigmoid(v), exact, 1e-6) << v;
  }
}

TEST(RoundingVariables, StartAtTheFloatWeightAndHardenToNearest) {
  const Tensor weight = testing::normal_samples({6, 5, 3, 3}, 1);
  for (const int bits : {1, 2, 4, 8}) {
    const auto codes = nearest_codes(weight, bits);
    const RoundingVariables variables(weight, codes);
    EXPECT_EQ(variables.harden().codes, codes.codes) << bits;
    std::vector<float> soft(variables.size());
    variables.soft_weights(soft);
    for (std::size_t i = 0; i < soft.size(); ++i) {
      const float scale = codes.params.scale[i / 45];
      const auto zero = static_cast<float>(codes.params.zero_point[i / 45]);
      const float max = static_cast<float>(codes.params.bits.levels() - 1) - zero;
      // Where the weight lies beyond the last level, the variable starts on that level.
      const float expected = std::clamp(weight.data<float>()[i], -zero * scale, max * scale);
      // Up to 256 levels of float32 and the sigmoid's own 1e-6.
      EXPECT_NEAR(soft[i], expected, scale * 256 * 1e-6F) << bits << " bits, " << i;
    }
  }
}

TEST(RoundingVariables, OfNormalLevelsAreBetweenNeighbours) {
  const Tensor weight = testing::normal_samples({6, 20}, 4);
  for (const int bits : {2, 3, 4}) {
    const quant::QuantParams params =
        quant::choose_qparams(weight,
                              {.bits = BitWidth(bits),
                               .symmetry = quant::Symmetry::Normal,
                               .granularity = quant::Granularity::along(0)});
    auto codes = quant::quantize(weight, params);
    const RoundingVariables nearest(weight, codes);
    EXPECT_EQ(nearest.harden().codes, codes.codes) << bits;
    std::vector<float> soft(nearest.size());
    nearest.soft_weights(soft);
    for (std::size_t i = 0; i < soft.size(); ++i) {
      const quant::Grid grid = quant::grid_of(params, i / 20);
      const float expected =
          std::clamp(weight.data<float>()[i], grid.low * grid.scale, grid.high * grid.scale);
      EXPECT_NEAR(soft[i], expected, grid.scale * 256 * 1e-5F) << bits << " bits, " << i;
    }
    for (std::size_t i = 0; i < codes.codes.size(); ++i) {
      codes.codes[i] = static_cast<std::uint8_t>((codes.codes[i] + i) % (1U << bits));
    }
    EXPECT_EQ(RoundingVariables(weight, codes, {.firmness = 0.6F}).harden().codes, codes.codes);
  }
}

TEST(RoundingVariables, HardenToAnyCodesTheyStartFrom) {
  const Tensor weight = testing::normal_samples({4, 20}, 2);
  auto codes = nearest_codes(weight, 3);
  // Compensated rounding moves codes by more than one step.
  for (std::size_t i = 0; i < codes.codes.size(); ++i) {
    codes.codes[i] = static_cast<std::uint8_t>((codes.codes[i] + i) % 8);
  }
  const RoundingVariables variables(weight, codes, {.firmness = 0.6F});
  EXPECT_EQ(variables.harden().codes, codes.codes);
}

TEST(RoundingVariables, CutAlongAnyAxis) {
  const Tensor weight = testing::normal_samples({4, 20}, 3);
  const auto codes = nearest_codes(weight, 4, 1);
  ASSERT_EQ(codes.params.scale.size(), 20U);
  EXPECT_EQ(RoundingVariables(weight, codes).harden().codes, codes.codes);
}

TEST(RoundingVariables, UpdateIsAdamOnTheGradientOfTheirDefinition) {
  const Tensor weight = testing::normal_samples({3, 7}, 4);
  const auto codes = nearest_codes(weight, 4);
  RoundingVariables variables(weight, codes);
  std::vector<float> gradients(21);
  std::iota(gradients.begin(), gradients.end(), -10.0F);
  const std::vector<float> before(variables.mutable_v().begin(), variables.mutable_v().end());
  std::vector<float> soft(21);
  // A huge epsilon makes the step proportional to the gradient: v -= rate g / epsilon.
  const AdamStep adam{.rate = 1.0F, .number = 1, .epsilon = 1e6F};
  const RoundingPressure pressure{.weight = 0.3F, .beta = 3.0F};
  variables.update(gradients, adam, pressure, soft);
  for (std::size_t i = 0; i < 21; ++i) {
    const double s = 1.0 / (1.0 + std::exp(-double{before[i]}));
    const double h = 1.2 * s - 0.1;
    const double slope = h > 0 && h < 1 ? 1.2 * s * (1 - s) : 0.0;
    const double side = 2 * h - 1;
    const double pushed = -0.3 * 3 * std::pow(std::abs(side), 2) * 2 * (side > 0 ? 1 : -1);
    const double g = (gradients[i] * codes.params.scale[i / 7] + pushed) * slope;
    // The step is 1e-6 of the gradient, next to a v of order one: read off the weights' gradient.
    const double moved = (double{before[i]} - variables.mutable_v()[i]) * 1e6;
    EXPECT_NEAR(moved, g, 0.5 + 1e-3 * std::abs(g)) << i;  // 2^-24 x 4 x 1e6 = 0.24
  }
}

TEST(RoundingVariables, PressureGradientEqualsCentralDifferences) {
  const Tensor weight = testing::normal_samples({1, 11}, 5);
  const auto codes = nearest_codes(weight, 4);
  for (const float beta : {2.0F, 5.0F, 20.0F}) {
    for (std::size_t i = 0; i < 11; ++i) {
      RoundingVariables variables(weight, codes);
      const float v = variables.mutable_v()[i];
      // At the ends h has a kink.
      if (rectified_sigmoid(v) < 0.02F || rectified_sigmoid(v) > 0.98F) continue;
      constexpr float kStep = 1e-2F;
      variables.mutable_v()[i] = v + kStep;
      const double up = variables.pressure(beta);
      variables.mutable_v()[i] = v - kStep;
      const double down = variables.pressure(beta);
      variables.mutable_v()[i] = v;
      // Adam's first step with a huge epsilon, scaled up by a huge rate, moves v by its gradient.
      const std::vector<float> none(11, 0.0F);
      std::vector<float> soft(11);
      variables.update(
          none, {.rate = 1e8F, .number = 1, .epsilon = 1e8F}, {.weight = 1.0F, .beta = beta}, soft);
      const double numeric = (up - down) / (2 * kStep);
      // The second-order error of a difference: kStep^2 / 6 x third derivative, below beta^3.
      const double bound = kStep * kStep / 6 * beta * beta * beta + 1e-3;
      EXPECT_NEAR(v - variables.mutable_v()[i], numeric, bound) << beta << ", " << i;
    }
  }
}

TEST(RoundingVariables, PressureDrivesEveryVariableToALevel) {
  const Tensor weight = testing::normal_samples({8, 50}, 6);
  RoundingVariables variables(weight, nearest_codes(weight, 3));
  const std::vector<float> none(400, 0.0F);
  std::vector<float> soft(400);
  for (std::int64_t i = 1; i <= 500; ++i) {
    variables.update(none, {.rate = 0.05F, .number = i}, {.weight = 1.0F, .beta = 2.0F}, soft);
  }
  EXPECT_EQ(variables.undecided(), 0.0);
  const Tensor hard = quant::dequantize(variables.harden());
  for (std::size_t i = 0; i < soft.size(); ++i) {
    EXPECT_NEAR(soft[i], hard.data<float>()[i], 0.05F * variables.initial().params.scale[i / 50]);
  }
}

TEST(RoundingVariables, RefuseCodesOfAnotherShape) {
  const Tensor weight = testing::normal_samples({4, 5}, 7);
  EXPECT_THROW(RoundingVariables(testing::normal_samples({5, 4}, 7), nearest_codes(weight, 4)),
               ShapeError);
}

}  // namespace
}  // namespace ompq::reconstruction
