#include "ompq/training/optimizers.h"

#include <cmath>

#include <gtest/gtest.h>

#include "ompq/core/error.h"

namespace ompq::training {
namespace {

Parameter parameter(Role role, std::vector<float> values, std::vector<float> gradient) {
  Parameter p{"p", role, at::tensor(values).requires_grad_(true), {}};
  p.tensor.mutable_grad() = at::tensor(gradient);
  return p;
}

std::vector<float> values_of(const Parameter& p) {
  const float* data = p.tensor.data_ptr<float>();
  return {data, data + p.tensor.numel()};
}

void take(const OptimizerOptions& options,
          std::vector<Parameter>& parameters,
          int steps,
          double rate) {
  const OptimizerRow& row = find_optimizer(options.name);
  std::vector<Moments> moments = make_moments(row, parameters);
  for (int i = 1; i <= steps; ++i) {
    apply_gradients(row, options, rate, i, parameters, moments);
  }
}

TEST(Sgd, TakesTheStepsOfHand) {
  std::vector<Parameter> p{parameter(Role::Weight, {1.0F}, {0.5F})};
  take({.momentum = 0.5, .weight_decay = 0.1}, p, 2, 0.25);
  // g1 = 0.5 + 0.1 = 0.6, w = 1 - 0.15 = 0.85; g2 = 0.585, m2 = 0.3 + 0.585, w = 0.85 - 0.22125.
  EXPECT_FLOAT_EQ(values_of(p[0])[0], 0.62875F);
}

TEST(Sgd, NesterovLooksAhead) {
  std::vector<Parameter> p{parameter(Role::Bias, {1.0F}, {0.5F})};
  take({.momentum = 0.5, .nesterov = true}, p, 2, 0.25);
  // m1 = 0.5, w = 1 - 0.25 (0.5 + 0.25) = 0.8125; m2 = 0.75, w -= 0.25 (0.5 + 0.375).
  EXPECT_FLOAT_EQ(values_of(p[0])[0], 0.59375F);
}

TEST(AdamW, TakesTheStepsOfHand) {
  std::vector<Parameter> p{parameter(Role::Weight, {1.0F}, {0.5F})};
  take({.name = "adamw", .weight_decay = 0.1}, p, 2, 0.01);
  // With a gradient that stays, both unbiased moments are exact: each step is rate x sign, after
  // a decay of rate x 0.1.
  double w = 1.0;
  for (int i = 0; i < 2; ++i) w = w * (1.0 - 0.001) - 0.01 * 0.5 / (0.5 + 1e-8);
  EXPECT_NEAR(values_of(p[0])[0], w, 4 * 0x1p-24);
}

TEST(ApplyGradients, DecaysWeightsAloneAndClipsByTheirOwn) {
  for (const std::string name : {"sgd", "adamw"}) {
    for (const Role role : {Role::Bias, Role::Norm, Role::Step, Role::Other}) {
      std::vector<Parameter> p{parameter(role, {1.0F}, {0.0F})};
      take({.name = name, .weight_decay = 0.5}, p, 3, 0.1);
      EXPECT_EQ(values_of(p[0])[0], 1.0F);
    }
  }
  std::vector<Parameter> clip{parameter(Role::Clip, {2.0F}, {0.0F})};
  take({.momentum = 0.0, .clip_decay = 0.5}, clip, 1, 0.1);
  EXPECT_FLOAT_EQ(values_of(clip[0])[0], 2.0F - 0.1F * 0.5F * 2.0F);
}

TEST(ApplyGradients, LeavesParametersWithoutAGradient) {
  std::vector<Parameter> p{parameter(Role::Weight, {1.0F}, {1.0F})};
  p[0].tensor.mutable_grad().reset();
  take({}, p, 1, 0.1);
  EXPECT_EQ(values_of(p[0])[0], 1.0F);
}

TEST(ClipGradients, ShortensAllTogether) {
  const std::vector<Parameter> p{parameter(Role::Weight, {0.0F, 0.0F}, {3.0F, 0.0F}),
                                 parameter(Role::Step, {0.0F}, {4.0F})};
  EXPECT_EQ(clip_gradients(p, 0.0), 5.0);
  EXPECT_EQ(p[1].tensor.grad().item<float>(), 4.0F);
  EXPECT_EQ(clip_gradients(p, 10.0), 5.0);
  EXPECT_EQ(p[1].tensor.grad().item<float>(), 4.0F);
  EXPECT_EQ(clip_gradients(p, 1.0), 5.0);
  EXPECT_FLOAT_EQ(p[0].tensor.grad()[0].item<float>(), 0.6F);
  EXPECT_FLOAT_EQ(p[1].tensor.grad().item<float>(), 0.8F);
}

/// The copy in another order must live as long as it is read.
TEST(ClipGradients, ReadsGradientsWhoseChannelsAreLast) {
  const at::Tensor weight = at::zeros({8, 4, 3, 3}).contiguous(at::MemoryFormat::ChannelsLast);
  std::vector<Parameter> p{{.role = Role::Weight, .tensor = weight.clone()}};
  p[0].tensor.requires_grad_(true);
  p[0].tensor.mutable_grad() = at::ones_like(weight);
  ASSERT_FALSE(p[0].tensor.grad().is_contiguous());
  EXPECT_EQ(clip_gradients(p, 0.0), std::sqrt(8.0 * 4 * 9));
}

TEST(UpdateAverages, ForgetsTheFirstSteps) {
  const std::vector<at::Tensor> values{at::ones({1})};
  std::vector<at::Tensor> averages{at::zeros({1})};
  update_averages(0.9, 1, values, averages);  // keeps 2 / 11
  EXPECT_FLOAT_EQ(averages[0].item<float>(), 9.0F / 11.0F);
  update_averages(0.5, 1000, values, averages);
  EXPECT_FLOAT_EQ(averages[0].item<float>(), 0.5F * 9.0F / 11.0F + 0.5F);
}

TEST(FindOptimizer, KnowsItsRowsAlone) {
  for (const OptimizerRow& row : optimizers()) EXPECT_EQ(&find_optimizer(row.name), &row);
  EXPECT_THROW((void)find_optimizer("adagrad"), ConfigError);
}

}  // namespace
}  // namespace ompq::training
