#include "ompq/reconstruction/block_kernels.h"

#include <vector>

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "ompq/quant/fake_quantize.h"

namespace ompq::reconstruction {
namespace {

class AccumulateChannels : public ::testing::TestWithParam<std::int64_t> {};

TEST_P(AccumulateChannels, AddsEveryRowToWhatIsThere) {
  const std::int64_t rows = GetParam();
  for (const std::int64_t channels : {1, 3, 16, 70}) {
    for (const auto& [type, scalar] :
         {std::pair{Element::Float32, at::kFloat}, std::pair{Element::BFloat16, at::kBFloat16}}) {
      const at::Tensor x = at::randint(-8, 8, {rows, channels}).to(scalar);  // exact in both types
      const at::Tensor before = at::randint(-8, 8, {channels}).to(at::kFloat);
      at::Tensor sums = before.clone();
      accumulate_channels(type, x.data_ptr(), rows, channels, sums.data_ptr<float>());
      EXPECT_TRUE(sums.equal(before + x.to(at::kFloat).sum(0))) << rows << " x " << channels;
    }
  }
}

constexpr quant::Grid kGrid{0.31F, -3.0F, 4.0F};

at::Tensor waves(std::int64_t count) {
  return at::sin(at::arange(count, at::kFloat) * 1.7F) * 3.0F;
}

TEST(FakeQuantize, DropsAsOftenAsAskedAndAgainTheSameElements) {
  const at::Tensor x = waves(4096);
  const Drop drop{.seed = 7, .threshold = drop_threshold(0.5)};
  at::Tensor y = at::empty_like(x);
  fake_quantize(Element::Float32, x.data_ptr(), y.data_ptr(), x.numel(), kGrid, drop);
  at::Tensor gradient = at::ones_like(x);
  (void)fake_quantize_backward(
      Element::Float32, x.data_ptr(), gradient.data_ptr(), x.numel(), kGrid, drop, {});
  const at::Tensor dropped = y.eq(x);
  // Binomial with 4096 draws of 1/2: deviation 32.
  EXPECT_NEAR(dropped.sum().item<double>(), 2048, 5 * 32);
  EXPECT_TRUE(gradient.masked_select(dropped).eq(1.0F).all().item<bool>());
  at::Tensor again = at::empty_like(x);
  fake_quantize(Element::Float32, x.data_ptr(), again.data_ptr(), x.numel(), kGrid, drop);
  EXPECT_TRUE(at::equal(y, again));
}

TEST(FakeQuantizeBackward, SumsTheSlopesByTheScaleAndMasksWhatWasCutBefore) {
  const Bounds bounds{.low = -0.5F, .high = 1.0F};
  const at::Tensor x = at::clamp(waves(40000), bounds.low, bounds.high);  // several pieces
  const at::Tensor given = at::cos(at::arange(x.numel(), at::kFloat));
  at::Tensor gradient = given.clone();
  const double by_scale = fake_quantize_backward(
      Element::Float32, x.data_ptr(), gradient.data_ptr(), x.numel(), kGrid, {}, bounds);
  double expected = 0.0;
  for (std::int64_t i = 0; i < x.numel(); ++i) {
    const float value = x.data_ptr<float>()[i];
    const float g = given.data_ptr<float>()[i];
    const auto slope = quant::fake_quantize_slope(value, kGrid);
    expected += static_cast<double>(slope.by_scale) * g;
    const bool kept = slope.passes != 0.0F && value > bounds.low && value < bounds.high;
    ASSERT_EQ(gradient.data_ptr<float>()[i], kept ? g : 0.0F) << i;
  }
  // float32 sums of 2^14 numbers of order one.
  EXPECT_NEAR(by_scale, expected, 3 * 0x1p14 * 0x1p-24 * 64);
}

TEST(FakeQuantize, RoundsNarrowElementsOnce) {
  const at::Tensor x = waves(300).to(at::kBFloat16);
  constexpr quant::Grid kExact{0.25F, -8.0F, 7.0F};
  at::Tensor y = at::empty_like(x);
  fake_quantize(Element::BFloat16, x.data_ptr(), y.data_ptr(), x.numel(), kExact, {});
  const at::Tensor wide = x.to(at::kFloat);
  for (std::int64_t i = 0; i < x.numel(); ++i) {
    const float expected = quant::fake_quantized(wide.data_ptr<float>()[i], kExact);
    ASSERT_EQ(y[i].to(at::kFloat).item<float>(), expected) << i;
  }
}

INSTANTIATE_TEST_SUITE_P(Rows, AccumulateChannels, ::testing::Values(0, 1, 4, 7, 33));

}  // namespace
}  // namespace ompq::reconstruction
