#include "ompq/training/epilogue.h"

#include <cmath>
#include <cstdint>
#include <utility>
#include <vector>

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ompq/core/error.h"

// Values and gradients are compared with those of LibTorch's own operators.

namespace ompq::training {
namespace {

using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

/// Numbers of float32 rounding in sums over an image's batch.
constexpr double kNear = 2e-5;

at::Tensor wave(at::IntArrayRef sizes, double phase) {
  const at::Tensor index = at::arange(c10::multiply_integers(sizes), at::kFloat);
  return at::sin(index * 1.3 + phase).reshape(sizes);
}

at::Tensor learned_wave(at::IntArrayRef sizes, double phase) {
  return wave(sizes, phase).requires_grad_(true);
}

Norm some_norm(std::int64_t channels) {
  return {.name = "norm",
          .scale = (wave({channels}, 0.5) + 2.0).requires_grad_(true),
          .shift = learned_wave({channels}, 0.7),
          .mean = wave({channels}, 0.9) * 0.1,
          .variance = wave({channels}, 1.1) * 0.2 + 1.0,
          .epsilon = 1e-3F};
}

Norm copy_of(const Norm& norm) {
  return {.name = norm.name,
          .scale = norm.scale.detach().clone().requires_grad_(true),
          .shift = norm.shift.detach().clone().requires_grad_(true),
          .mean = norm.mean.clone(),
          .variance = norm.variance.clone(),
          .epsilon = norm.epsilon};
}

void expect_near(const at::Tensor& got, const at::Tensor& expected, const char* what) {
  ASSERT_EQ(got.sizes().vec(), expected.sizes().vec()) << what;
  EXPECT_LT((got - expected).abs().max().item<double>(), kNear) << what;
}

/// Backward of both, from the same slope.
void expect_same_gradients(const at::Tensor& got,
                           const at::Tensor& expected,
                           const std::vector<std::pair<at::Tensor, at::Tensor>>& leaves) {
  const at::Tensor slope = wave(got.sizes(), 0.3);
  (got * slope).sum().backward();
  (expected * slope).sum().backward();
  for (const auto& [mine, theirs] : leaves) expect_near(mine.grad(), theirs.grad(), "gradient");
}

class EpilogueOfNorm : public ::testing::TestWithParam<bool> {};

TEST_P(EpilogueOfNorm, EqualsNormSumAndClampOfLibtorch) {
  const bool batch_statistics = GetParam();
  for (const std::vector<std::int64_t>& sizes :
       {std::vector<std::int64_t>{3, 4, 5, 6}, std::vector<std::int64_t>{7, 4}}) {
    at::Tensor z = learned_wave(sizes, 0.1);
    at::Tensor residual = learned_wave(sizes, 0.2);
    at::Tensor z2 = z.detach().clone().requires_grad_(true);
    at::Tensor residual2 = residual.detach().clone().requires_grad_(true);
    Norm norm = some_norm(4);
    Norm norm2 = copy_of(norm);
    const at::Tensor got = apply_epilogue(z,
                                          residual,
                                          {.norm = &norm,
                                           .batch_statistics = batch_statistics,
                                           .momentum = 0.2,
                                           .least = -0.5F,
                                           .most = 1.5F});
    const at::Tensor normed = at::batch_norm(z2,
                                             norm2.scale,
                                             norm2.shift,
                                             norm2.mean,
                                             norm2.variance,
                                             batch_statistics,
                                             /*momentum=*/0.2,
                                             norm2.epsilon,
                                             /*cudnn_enabled=*/false);
    const at::Tensor expected = at::clamp(normed + residual2, -0.5, 1.5);
    expect_near(got.detach(), expected.detach(), "value");
    expect_near(norm.mean, norm2.mean, "running mean");
    expect_near(norm.variance, norm2.variance, "running variance");
    expect_same_gradients(
        got,
        expected,
        {{z, z2}, {residual, residual2}, {norm.scale, norm2.scale}, {norm.shift, norm2.shift}});
  }
}

INSTANTIATE_TEST_SUITE_P(WithRunningAndBatchStatistics, EpilogueOfNorm, ::testing::Bool());

TEST(Epilogue, WithoutPartsIsTheIdentity) {
  at::Tensor z = learned_wave({2, 3, 4}, 0.1);
  const at::Tensor y = apply_epilogue(z, {}, {});
  EXPECT_TRUE(at::equal(y.detach(), z.detach()));
  y.sum().backward();
  EXPECT_TRUE(at::equal(z.grad(), at::ones({2, 3, 4})));
}

TEST(Epilogue, LeavesRunningStatisticsUnlessTheyAreOfTheBatch) {
  Norm norm = some_norm(4);
  const Norm before = copy_of(norm);
  (void)apply_epilogue(wave({3, 4}, 0.1), {}, {.norm = &norm});
  EXPECT_TRUE(at::equal(norm.mean, before.mean));
  EXPECT_TRUE(at::equal(norm.variance, before.variance));
}

ActivationQuantizer two_bits(const char* method) {
  return make_activation_quantizer(find_quantizer_method(method),
                                   "y",
                                   {.bits = BitWidth(2), .scale = {0.5F}, .zero_point = {0}});
}

TEST(Epilogue, QuantizesItsResultAndLearnsTheStep) {
  ActivationQuantizer quantizer = two_bits("lsq");
  at::Tensor z = at::tensor({0.6F, 1.2F, 9.0F, -1.0F}).reshape({1, 4}).requires_grad_(true);
  const at::Tensor y = apply_epilogue(z, {}, {.quantizer = &quantizer});
  EXPECT_TRUE(at::equal(y.detach(), at::tensor({0.5F, 1.0F, 1.5F, 0.0F}).reshape({1, 4})));
  y.sum().backward();
  EXPECT_TRUE(at::equal(z.grad(), at::tensor({1.0F, 1.0F, 0.0F, 0.0F}).reshape({1, 4})));
  // (1 - 1.2) + (2 - 2.4) + 3 + 0, over the root of four elements and three levels.
  EXPECT_NEAR(quantizer.learned.grad().item<double>(), 2.4 / std::sqrt(4.0 * 3.0), 1e-6);
}

TEST(Epilogue, LearnsALimitOnlyFromWhatIsClipped) {
  ActivationQuantizer quantizer = two_bits("pact");
  const at::Tensor z = at::tensor({0.6F, 1.2F, 9.0F, 7.0F}).reshape({1, 4});
  apply_epilogue(z, {}, {.quantizer = &quantizer}).sum().backward();
  EXPECT_EQ(quantizer.learned.grad().item<float>(), 2.0F) << "one per clipped element";
}

TEST(Epilogue, ObservesRangesOnlyIfAsked) {
  ActivationQuantizer quantizer = two_bits("hawq");
  const at::Tensor range = quantizer.range.clone();
  const at::Tensor z = at::tensor({-5.0F, 1.2F, 9.0F, 7.0F}).reshape({1, 4});
  (void)apply_epilogue(z, {}, {.quantizer = &quantizer});
  EXPECT_TRUE(at::equal(quantizer.range, range));
  (void)apply_epilogue(z, {}, {.least = 0.0F, .quantizer = &quantizer, .observe = true});
  EXPECT_FLOAT_EQ(quantizer.range[1].item<float>(), 0.99F * range[1].item<float>() + 0.01F * 9.0F);
  EXPECT_FLOAT_EQ(quantizer.range[0].item<float>(), 0.99F * range[0].item<float>())
      << "after the lower bound of zero";
}

TEST(Epilogue, NamesShapesThatDoNotFit) {
  Norm norm = some_norm(5);
  EXPECT_THAT(
      [&] {
        (void)apply_epilogue(wave({2, 4}, 0.1), {}, {.norm = &norm});
      },
      ThrowsMessage<ShapeError>(
          HasSubstr("norm 'norm' has 5 channels and does not fit an activation of shape 2x4")));
  EXPECT_THAT(
      [&] {
        (void)apply_epilogue(wave({2, 5, 3}, 0.1), {}, {.norm = &norm});
      },
      ThrowsMessage<ShapeError>(HasSubstr("does not fit")));
  EXPECT_THAT(
      [] {
        (void)apply_epilogue(wave({2, 4}, 0.1), wave({4}, 0.1), {});
      },
      ThrowsMessage<ShapeError>(HasSubstr("a residual of shape 4 for an activation")));
}

}  // namespace
}  // namespace ompq::training
