#include "ompq/training/epilogue.h"

#include <cmath>
#include <string>
#include <vector>

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ompq/core/error.h"
#include "ompq/training/quantizers.h"

namespace ompq::training {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::vector<float> elements_of(const at::Tensor& tensor) {
  const at::Tensor dense = tensor.detach().contiguous();
  return {dense.data_ptr<float>(), dense.data_ptr<float>() + dense.numel()};
}

/// A norm of two channels: 2 (z - 1) + 3 and z, with running variances of 1 - epsilon.
Norm two_channels() {
  return {.name = "bn",
          .scale = at::tensor({2.0F, 1.0F}).requires_grad_(true),
          .shift = at::tensor({3.0F, 0.0F}).requires_grad_(true),
          .mean = at::tensor({1.0F, 0.0F}),
          .variance = at::tensor({0.75F, 0.75F}),
          .epsilon = 0.25F};
}

TEST(ApplyEpilogue, NormalizesAddsAndClamps) {
  Norm norm = two_channels();
  const at::Tensor z = at::tensor({1.0F, -5.0F, 2.0F, 0.5F}).reshape({2, 2}).requires_grad_(true);
  const at::Tensor residual =
      at::tensor({1.0F, 1.0F, 1.0F, 1.0F}).reshape({2, 2}).requires_grad_(true);
  const at::Tensor y = apply_epilogue(z, residual, {.norm = &norm, .min = 0.0F, .max = 5.5F});
  // 3 + 1, -5 + 1, 5 + 1 and 0.5 + 1, clamped to 0 .. 5.5.
  EXPECT_THAT(elements_of(y), ElementsAre(4, 0, 5.5F, 1.5F));
  (y * at::tensor({1.0F, 10.0F, 100.0F, 1000.0F}).reshape({2, 2})).sum().backward();
  EXPECT_THAT(elements_of(z.grad()), ElementsAre(2, 0, 0, 1000)) << "times the norm's scale";
  EXPECT_THAT(elements_of(residual.grad()), ElementsAre(1, 0, 0, 1000));
  EXPECT_THAT(elements_of(norm.shift.grad()), ElementsAre(1, 1000));
  EXPECT_THAT(elements_of(norm.scale.grad()), ElementsAre(0, 500)) << "the normalized z: 0 and 0.5";
}

TEST(ApplyEpilogue, NormalizesByTheBatchAndMovesTheRunningStatistics) {
  Norm norm = two_channels();
  norm.epsilon = 1e-12F;
  // Channel means 2 and -1, deviations 1 and 3; the unbiased variances are 2 and 18.
  const at::Tensor z = at::tensor({1.0F, -4.0F, 3.0F, 2.0F}).reshape({2, 2});
  const at::Tensor y =
      apply_epilogue(z, {}, {.norm = &norm, .batch_statistics = true, .momentum = 0.25});
  EXPECT_THAT(elements_of(y), ElementsAre(1, -1, 5, 1));
  EXPECT_THAT(elements_of(norm.mean), ElementsAre(0.75F * 1 + 0.25F * 2, 0.25F * -1));
  EXPECT_THAT(elements_of(norm.variance),
              ElementsAre(0.75F * 0.75F + 0.25F * 2, 0.75F * 0.75F + 0.25F * 18));
}

TEST(ApplyEpilogue, QuantizesTheResult) {
  ActivationQuantizer quantizer = make_activation_quantizer(
      find_quantizer_method("lsq"), "x", {.bits = BitWidth(2), .scale = {0.5F}, .zero_point = {0}});
  const at::Tensor z = at::tensor({-1.0F, 0.3F, 0.9F, 9.0F}).reshape({1, 4}).requires_grad_(true);
  const at::Tensor y = apply_epilogue(z, {}, {.quantizer = &quantizer});
  EXPECT_THAT(elements_of(y), ElementsAre(0, 0.5F, 1, 1.5F));
  y.sum().backward();
  EXPECT_THAT(elements_of(z.grad()), ElementsAre(0, 1, 1, 0)) << "nothing passes outside of 0 .. 3";
}

TEST(ApplyEpilogue, ObservesOnlyIfAsked) {
  const at::Tensor z = at::tensor({-1.0F, 7.0F}).reshape({1, 2});
  for (const bool observing : {false, true}) {
    ActivationQuantizer quantizer =
        make_activation_quantizer(find_quantizer_method("hawq"),
                                  "x",
                                  {.bits = BitWidth(8), .scale = {0.0625F}, .zero_point = {128}});
    const std::vector<float> before = elements_of(quantizer.range);
    (void)apply_epilogue(z, {}, {.quantizer = &quantizer, .observe = observing});
    EXPECT_EQ(elements_of(quantizer.range) == before, !observing);
  }
}

TEST(ApplyEpilogue, NamesShapesThatDoNotFit) {
  const auto message = [](const at::Tensor& z, const at::Tensor& residual, Norm* norm) {
    try {
      (void)apply_epilogue(z, residual, {.norm = norm});
    } catch (const ShapeError& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  Norm norm = two_channels();
  EXPECT_THAT(message(at::zeros({2, 3}), at::zeros({2, 2}), nullptr),
              HasSubstr("a residual of shape 2x2 for an activation of shape 2x3"));
  EXPECT_THAT(message(at::zeros({2, 3}), {}, &norm),
              HasSubstr("norm 'bn' has 2 channels and does not fit an activation of shape 2x3"));
}

}  // namespace
}  // namespace ompq::training
