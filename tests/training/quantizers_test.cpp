#include "ompq/training/quantizers.h"

#include <cmath>

#include <gtest/gtest.h>

#include "ompq/core/error.h"
#include "ompq/ops/aten_bridge.h"
#include "ompq/quant/short_scale.h"

namespace ompq::training {
namespace {

const QuantizerMethod& lsq() { return find_quantizer_method("lsq"); }

quant::QuantizedTensor some_codes(std::vector<float> scales) {
  quant::QuantizedTensor codes{.params = {.bits = BitWidth(3),
                                          .symmetry = quant::Symmetry::Asymmetric,
                                          .granularity = quant::Granularity::along(0),
                                          .scale = std::move(scales),
                                          .zero_point = {3, 4}},
                               .shape = {2, 6}};
  for (int i = 0; i < 12; ++i) codes.codes.push_back(static_cast<std::uint8_t>(i * 5 % 8));
  return codes;
}

at::Tensor numbers(at::IntArrayRef sizes) {
  const at::Tensor index = at::arange(c10::multiply_integers(sizes), at::kFloat);
  return at::sin(index * 1.7 + 0.2).reshape(sizes);
}

quant::QuantizedTensor normal_codes() {
  quant::QuantizedTensor codes = some_codes({0.015625F, 0.0078125F});
  codes.params.symmetry = quant::Symmetry::Normal;
  codes.params.zero_point = {-32, 16};
  return codes;
}

class StartOfAWeightQuantizer : public ::testing::TestWithParam<bool> {};

TEST_P(StartOfAWeightQuantizer, KeepsTheCodes) {
  const quant::QuantizedTensor codes = GetParam() ? normal_codes() : some_codes({0.25F, 0.125F});
  for (const std::vector<float>& factors :
       {std::vector<float>{}, std::vector<float>{0.37F, 2.1F}, std::vector<float>{-0.37F, -2.1F}}) {
    const at::Tensor weight = moved_to_codes(numbers({2, 6}), codes, factors);
    const WeightQuantizer quantizer = make_weight_quantizer(lsq(), "w", codes, factors);
    const quant::QuantizedTensor back = codes_of(quantizer, weight, factors);
    EXPECT_EQ(back.codes, codes.codes);
    EXPECT_EQ(back.params.symmetry, codes.params.symmetry);
    EXPECT_EQ(back.params.zero_point, codes.params.zero_point);
    const WeightSteps steps = steps_of(quantizer, weight, factors);
    const at::Tensor rounded = quantized_weight(quantizer, weight, steps);
    const Tensor expected = quant::dequantize(codes);
    for (std::int64_t i = 0; i < 12; ++i) {
      const float factor = factors.empty() ? 1.0F : factors[static_cast<std::size_t>(i / 6)];
      EXPECT_NEAR(rounded.data_ptr<float>()[i] * factor,
                  expected.data<float>()[static_cast<std::size_t>(i)],
                  1e-6);
    }
    for (std::size_t s = 0; s < 2; ++s) EXPECT_EQ(back.params.scale[s], codes.params.scale[s]);
  }
}

INSTANTIATE_TEST_SUITE_P(Levels, StartOfAWeightQuantizer, ::testing::Bool(), [](const auto& row) {
  return row.param ? "Normal" : "Asymmetric";
});

TEST(WeightQuantizer, FactorsThatTurnTheirSignTurnTheCodes) {
  const quant::QuantizedTensor codes = some_codes({0.25F, 0.125F});
  const std::vector<float> before{0.5F, 0.5F};
  const std::vector<float> after{-0.5F, 0.5F};
  const at::Tensor weight = moved_to_codes(numbers({2, 6}), codes, before);
  const WeightQuantizer quantizer = make_weight_quantizer(lsq(), "w", codes, before);
  const Tensor folded = quant::dequantize(codes_of(quantizer, weight, before));
  const Tensor turned = quant::dequantize(codes_of(quantizer, weight, after));
  for (std::size_t i = 0; i < 12; ++i) {
    EXPECT_EQ(turned.data<float>()[i], (i < 6 ? -1.0F : 1.0F) * folded.data<float>()[i]);
  }
}

TEST(WeightQuantizer, GradientsAreThePapers) {
  const quant::QuantizedTensor codes = some_codes({0.25F, 0.125F});
  const WeightQuantizer quantizer = make_weight_quantizer(lsq(), "w", codes, {});
  at::Tensor weight = numbers({2, 6}).requires_grad_(true);
  const at::Tensor slope = at::cos(at::arange(12, at::kFloat)).reshape({2, 6});
  (quantized_weight(quantizer, weight, steps_of(quantizer, weight, {})) * slope).sum().backward();
  for (std::int64_t s = 0; s < 2; ++s) {
    double by_step = 0.0;
    for (std::int64_t i = 0; i < 6; ++i) {
      const double r = weight[s][i].item<double>() / (s == 0 ? 0.25 : 0.125);
      const double low = s == 0 ? -3 : -4;
      const double high = s == 0 ? 4 : 3;
      const bool inside = r >= low && r <= high;
      const double g = slope[s][i].item<double>();
      by_step += g * (inside ? std::nearbyint(r) - r : (r < 0 ? low : high));
      EXPECT_EQ(weight.grad()[s][i].item<float>(), inside ? slope[s][i].item<float>() : 0.0F);
    }
    // 1 / sqrt(elements x greatest level): Esser et al. 2020, section 2.2.
    const double scale = 1.0 / std::sqrt(6.0 * 4.0);
    EXPECT_NEAR(quantizer.learned.grad()[s].item<double>(), by_step * scale, 6 * 4 * 0x1p-22);
  }
}

quant::QuantizedTensor one_bit_codes() {
  return {.params = {.bits = BitWidth(1),
                     .symmetry = quant::Symmetry::Symmetric,
                     .granularity = quant::Granularity::along(0),
                     .scale = {0.5F, 2.0F},
                     .zero_point = {1, 1}},
          .shape = {2, 6},
          .codes = {0, 1, 1, 0, 0, 1, 1, 1, 0, 0, 1, 0}};
}

TEST(WeightQuantizer, OneBitKeepsItsCodesAndLevels) {
  const quant::QuantizedTensor codes = one_bit_codes();
  for (const std::vector<float>& factors :
       {std::vector<float>{}, std::vector<float>{-0.5F, 3.0F}}) {
    const at::Tensor weight = moved_to_codes(numbers({2, 6}), codes, factors);
    const WeightQuantizer quantizer = make_weight_quantizer(lsq(), "w", codes, factors);
    const quant::QuantizedTensor back = codes_of(quantizer, weight, factors);
    EXPECT_EQ(back.codes, codes.codes);
    EXPECT_EQ(back.params.symmetry, quant::Symmetry::Symmetric);
    EXPECT_TRUE(quant::dequantize(back).equals(quant::dequantize(codes)));
  }
}

TEST(WeightQuantizer, OneBitPassesGradientsWithinAStepOfZero) {
  const WeightQuantizer quantizer = make_weight_quantizer(lsq(), "w", one_bit_codes(), {});
  at::Tensor weight = (numbers({2, 6}) * 1.5).requires_grad_(true);
  quantized_weight(quantizer, weight, steps_of(quantizer, weight, {})).sum().backward();
  for (std::int64_t s = 0; s < 2; ++s) {
    double by_step = 0.0;
    for (std::int64_t i = 0; i < 6; ++i) {
      const double r = weight[s][i].item<double>() / (s == 0 ? 0.5 : 2.0);
      const bool inside = std::abs(r) <= 1.0;
      const double level = r < 0 ? -0.5 : 0.5;
      by_step += inside ? level - r : level;
      EXPECT_EQ(weight.grad()[s][i].item<float>(), inside ? 1.0F : 0.0F);
    }
    const double scale = 1.0 / std::sqrt(6.0);  // the greatest level counts as 1 at least
    EXPECT_NEAR(quantizer.learned.grad()[s].item<double>(), by_step * scale, 6 * 0x1p-20);
  }
}

TEST(WeightQuantizer, MinMaxReachesTheExtremes) {
  const QuantizerMethod& hawq = find_quantizer_method("hawq");
  const WeightQuantizer quantizer =
      make_weight_quantizer(hawq, "w", some_codes({0.25F, 0.125F}), {});
  EXPECT_FALSE(quantizer.learned.defined());
  const at::Tensor weight = numbers({2, 6}) * 3.0;
  const WeightSteps steps = steps_of(quantizer, weight, {});
  for (std::int64_t s = 0; s < 2; ++s) {
    const float max = weight[s].abs().max().item<float>();
    EXPECT_EQ(steps.folded[static_cast<std::size_t>(s)],
              quant::short_scale(max / 3.0F, quant::Snap::Nearest));
  }
}

TEST(MovedToCodes, LeavesWeightsThatQuantizeToTheirCode) {
  const quant::QuantizedTensor codes = some_codes({0.25F, 0.125F});
  const at::Tensor inside = ops::to_aten(quant::dequantize(codes)) + 0.05F;
  EXPECT_TRUE(at::equal(moved_to_codes(inside, codes, {}), inside));
  EXPECT_THROW((void)moved_to_codes(numbers({2, 5}), codes, {}), ShapeError);
}

TEST(ActivationQuantizer, StartsWhereItIsToldByEveryMethod) {
  const quant::QuantParams params{.bits = BitWidth(4), .scale = {0.375F}, .zero_point = {5}};
  for (const QuantizerMethod& row : quantizer_methods()) {
    ActivationQuantizer quantizer = make_activation_quantizer(row, "x", params);
    const quant::Grid grid = grid_of(quantizer);
    EXPECT_EQ(grid.scale, 0.375F) << row.name;
    EXPECT_EQ(grid.low, -5.0F) << row.name;
    EXPECT_EQ(grid.high, 10.0F) << row.name;
    EXPECT_EQ(params_of(quantizer).zero_point, params.zero_point) << row.name;
  }
}

TEST(ActivationQuantizer, ObservedRangesMoveByAHundredth) {
  const quant::QuantParams params{.bits = BitWidth(4), .scale = {0.5F}, .zero_point = {2}};
  ActivationQuantizer quantizer =
      make_activation_quantizer(find_quantizer_method("hawq"), "x", params);
  observe(quantizer, {-3.0F, 9.0F});
  EXPECT_FLOAT_EQ(quantizer.range[0].item<float>(), 0.99F * -1.0F + 0.01F * -3.0F);
  EXPECT_FLOAT_EQ(quantizer.range[1].item<float>(), 0.99F * 6.5F + 0.01F * 9.0F);
}

TEST(ActivationQuantizer, PactLearnsFromWhatIsClippedAlone) {
  const quant::QuantParams params{.bits = BitWidth(2), .scale = {0.5F}, .zero_point = {0}};
  const ActivationQuantizer quantizer =
      make_activation_quantizer(find_quantizer_method("pact"), "x", params);
  EXPECT_EQ(quantizer.learned.item<float>(), 1.5F);
  // Two elements beyond the limit with gradients 1 and 2: 3 levels each by the step, 1 by the
  // limit.
  EXPECT_EQ(learned_gradient(quantizer, 3.0 * (1.0 + 2.0), 10), 3.0);
}

TEST(ActivationQuantizer, TakesOneScale) {
  const quant::QuantParams params{.scale = {0.5F, 0.5F}, .zero_point = {0, 0}};
  EXPECT_THROW((void)make_activation_quantizer(lsq(), "x", params), ConfigError);
}

TEST(StraightThrough, HasTheValueOfOneAndTheGradientOfTheOther) {
  at::Tensor source = numbers({4}).requires_grad_(true);
  const at::Tensor value = at::round(source.detach());
  const at::Tensor y = straight_through(source, value);
  EXPECT_TRUE(at::equal(y.detach(), value));
  (y * 3.0).sum().backward();
  EXPECT_TRUE(at::equal(source.grad(), at::full({4}, 3.0F)));
}

}  // namespace
}  // namespace ompq::training
