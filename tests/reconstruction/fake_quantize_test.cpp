#include "ompq/reconstruction/fake_quantize.h"

#include <cmath>

#include <gtest/gtest.h>

#include "ompq/core/error.h"

namespace ompq::reconstruction {
namespace {

/// Numbers that a rule makes, away from every rounding boundary.
at::Tensor numbers(at::IntArrayRef sizes) {
  const at::Tensor index = at::arange(c10::multiply_integers(sizes), at::kFloat);
  return (at::sin(index * 1.7F) * 3.0F).reshape(sizes);
}

TEST(FakeQuantize, SnapsToLevelsAndCutsAtTheLimits) {
  const at::Tensor x = at::tensor({-9.0F, -0.3F, 0.1F, 0.26F, 0.74F, 9.0F});
  const at::Tensor y = fake_quantize(x, at::tensor({0.5F}), {.low = -2, .high = 5});
  EXPECT_TRUE(at::equal(y, at::tensor({-1.0F, -0.5F, 0.0F, 0.5F, 0.5F, 2.5F}))) << y;
}

TEST(FakeQuantize, GradientsAreThoseOfThePaper) {
  const at::Tensor x = numbers({40}).requires_grad_(true);
  const at::Tensor step = at::tensor({0.31F}).requires_grad_(true);
  const at::Tensor weights = at::cos(at::arange(40, at::kFloat));
  (fake_quantize(x, step, {.low = -3, .high = 4, .gradient_scale = 0.25}) * weights)
      .sum()
      .backward();
  double by_step = 0.0;
  for (std::int64_t i = 0; i < 40; ++i) {
    const double r = x[i].item<double>() / step.item<double>();
    const double g = weights[i].item<double>();
    const bool inside = r >= -3 && r <= 4;
    EXPECT_EQ(x.grad()[i].item<float>(), inside ? weights[i].item<float>() : 0.0F) << i;
    by_step += g * (inside ? std::nearbyint(r) - r : (r < 0 ? -3 : 4));
  }
  // Forty float32 products and sums of order one.
  EXPECT_NEAR(step.grad().item<double>(), 0.25 * by_step, 0.25 * 40 * 4 * 0x1p-22);
}

TEST(FakeQuantize, StepGradientOutsideOfTheRangeEqualsCentralDifferences) {
  // Beyond the limits y = step x limit, which is smooth in the step.
  const at::Tensor x = at::tensor({50.0F, -60.0F, 70.0F});
  const at::Tensor weights = at::tensor({1.0F, 2.0F, -0.5F});
  const auto value = [&](double step) {
    return (fake_quantize(x, at::tensor({static_cast<float>(step)}), {.low = -8, .high = 7}) *
            weights)
        .sum()
        .item<double>();
  };
  const at::Tensor step = at::tensor({0.25F}).requires_grad_(true);
  (fake_quantize(x, step, {.low = -8, .high = 7}) * weights).sum().backward();
  const double numeric = (value(0.25 + 0.0625) - value(0.25 - 0.0625)) / 0.125;
  EXPECT_NEAR(step.grad().item<double>(), numeric, 1e-5 * std::abs(numeric));
}

TEST(FakeQuantize, OneStepASliceEqualsEachSliceAlone) {
  for (const std::int64_t axis : {std::int64_t{0}, std::int64_t{1}, std::int64_t{-1}}) {
    const at::Tensor x = numbers({3, 4, 5}).requires_grad_(true);
    const std::int64_t count = x.size(axis);
    const at::Tensor steps = (at::arange(count, at::kFloat) * 0.1F + 0.2F).requires_grad_(true);
    const FakeQuantizeOptions options{.low = -4, .high = 3, .axis = axis};
    const at::Tensor y = fake_quantize(x, steps, options);
    (y * y).sum().backward();
    for (std::int64_t s = 0; s < count; ++s) {
      const at::Tensor slice = x.detach().select(axis, s).clone().requires_grad_(true);
      const at::Tensor step = steps.detach()[s].reshape({1}).clone().requires_grad_(true);
      const at::Tensor alone = fake_quantize(slice, step, {.low = -4, .high = 3});
      (alone * alone).sum().backward();
      // x / step against x * (1 / step): the last bit of a ratio, on no boundary here.
      EXPECT_TRUE(at::allclose(alone, y.select(axis, s), 1e-6, 1e-6)) << axis << ", " << s;
      EXPECT_TRUE(at::allclose(slice.grad(), x.grad().select(axis, s), 1e-5, 1e-5));
      EXPECT_NEAR(step.grad().item<double>(), steps.grad()[s].item<double>(), 1e-3);
    }
  }
}

TEST(FakeQuantize, DroppedElementsStayAsTheyAreAndPassTheirGradient) {
  const at::Tensor x = numbers({4096}).requires_grad_(true);
  const at::Tensor step = at::tensor({0.5F}).requires_grad_(true);
  const FakeQuantizeOptions options{
      .low = -1, .high = 1, .drop = {.seed = 7, .threshold = drop_threshold(0.5)}};
  const at::Tensor y = fake_quantize(x, step, options);
  y.sum().backward();
  const at::Tensor dropped = y.eq(x);
  // Binomial with 4096 draws of 1/2: deviation 32.
  EXPECT_NEAR(dropped.sum().item<double>(), 2048, 5 * 32);
  EXPECT_TRUE(x.grad().masked_select(dropped).eq(1.0F).all().item<bool>());
  const at::Tensor again = fake_quantize(x, step, options);
  EXPECT_TRUE(at::equal(y, again));
}

TEST(FakeQuantize, KeepsLayoutAndNarrowTypes) {
  const at::Tensor x =
      numbers({2, 3, 4, 5}).contiguous(at::MemoryFormat::ChannelsLast).to(at::kBFloat16);
  const at::Tensor y = fake_quantize(x, at::tensor({0.25F}), {.low = -8, .high = 7});
  EXPECT_TRUE(y.is_contiguous(at::MemoryFormat::ChannelsLast));
  EXPECT_EQ(y.scalar_type(), at::kBFloat16);
  const at::Tensor plain =
      fake_quantize(x.to(at::kFloat), at::tensor({0.25F}), {.low = -8, .high = 7});
  EXPECT_TRUE(at::equal(y.to(at::kFloat), plain));
}

TEST(FakeQuantize, RefusesStepsThatDoNotFit) {
  const at::Tensor x = numbers({2, 3});
  EXPECT_THROW((void)fake_quantize(x, at::ones({2}), {}), ShapeError);
  EXPECT_THROW((void)fake_quantize(x, at::ones({3}), {.axis = 0}), ShapeError);
  EXPECT_THROW((void)fake_quantize(x, at::ones({1}), {.axis = 2}), ShapeError);
  EXPECT_THROW((void)fake_quantize(x, at::ones({1}, at::kDouble), {}), ShapeError);
}

TEST(LsqGradientScale, IsThePapers) {
  EXPECT_DOUBLE_EQ(lsq_gradient_scale(100, 4), 1.0 / 20.0);
  EXPECT_DOUBLE_EQ(lsq_gradient_scale(25, 0), 1.0 / 5.0);
}

}  // namespace
}  // namespace ompq::reconstruction
