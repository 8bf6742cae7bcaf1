#include "ompq/training/losses.h"

#include <cmath>

#include <gtest/gtest.h>

#include "ompq/core/error.h"

namespace ompq::training {
namespace {

const at::Tensor& scores() {
  static const at::Tensor tensor =
      at::tensor({0.0F, 1.0F, -1.0F, 2.0F, 0.5F, 0.0F}).reshape({2, 3});
  return tensor;
}

double log_sum(double a, double b, double c) {
  return std::log(std::exp(a) + std::exp(b) + std::exp(c));
}

TEST(CrossEntropy, IsTheMeanOverSamples) {
  const std::vector<std::int64_t> labels{1, 2};
  const double expected = 0.5 * (log_sum(0, 1, -1) - 1.0 + log_sum(2, 0.5, 0) - 0.0);
  EXPECT_NEAR(cross_entropy(scores(), labels).item<double>(), expected, 8 * 0x1p-23);
}

TEST(CrossEntropy, SmoothingSpreadsAShareOverAllClasses) {
  const std::vector<std::int64_t> labels{1, 2};
  const double hard = cross_entropy(scores(), labels).item<double>();
  double even = 0.0;
  for (std::int64_t c = 0; c < 3; ++c) {
    even += cross_entropy(scores(), std::vector<std::int64_t>{c, c}).item<double>() / 3.0;
  }
  EXPECT_NEAR(
      cross_entropy(scores(), labels, 0.3).item<double>(), 0.7 * hard + 0.3 * even, 16 * 0x1p-23);
}

TEST(CrossEntropy, RefusesLabelsThatDoNotFit) {
  EXPECT_THROW((void)cross_entropy(scores(), std::vector<std::int64_t>{0}), ShapeError);
  EXPECT_THROW((void)cross_entropy(scores(), std::vector<std::int64_t>{0, 3}), DataError);
  EXPECT_THROW((void)cross_entropy(scores(), std::vector<std::int64_t>{-1, 0}), DataError);
}

TEST(Distillation, IsZeroForTheTeacherItselfAndPositiveElsewhere) {
  EXPECT_NEAR(distillation(scores(), scores(), 3.0).item<double>(), 0.0, 1e-6);
  EXPECT_GT(distillation(scores(), scores().flip(1), 3.0).item<double>(), 0.0);
  EXPECT_THROW((void)distillation(scores(), at::zeros({2, 4})), ShapeError);
}

TEST(Distillation, GradientIsTheDifferenceOfProbabilitiesTimesTheTemperature) {
  // d/ds T^2 KL(softmax(t / T) || softmax(s / T)) / n = T (softmax(s / T) - softmax(t / T)) / n.
  const double temperature = 2.5;
  at::Tensor own = scores().clone().requires_grad_(true);
  const at::Tensor teacher = scores().flip(0);
  distillation(own, teacher, temperature).backward();
  const at::Tensor expected =
      temperature *
      (at::softmax(own.detach() / temperature, 1) - at::softmax(teacher / temperature, 1)) / 2.0;
  EXPECT_LT((own.grad() - expected).abs().max().item<float>(), 16 * 0x1p-23F);
}

TEST(TrainingLoss, MixesByShareAndAsksForWhatItNeeds) {
  const std::vector<std::int64_t> labels{1, 2};
  const at::Tensor teacher = scores().flip(0);
  const double hard = cross_entropy(scores(), labels).item<double>();
  const double soft = distillation(scores(), teacher, 2.0).item<double>();
  const LossOptions mixed{.distillation = 0.25, .temperature = 2.0};
  EXPECT_NEAR(training_loss(scores(), labels, teacher, mixed).item<double>(),
              0.75 * hard + 0.25 * soft,
              8 * 0x1p-23);
  EXPECT_THROW((void)training_loss(scores(), labels, {}, mixed), ConfigError);
  EXPECT_THROW((void)training_loss(scores(), {}, teacher, mixed), ConfigError);
  EXPECT_NO_THROW((void)training_loss(scores(), {}, teacher, {.distillation = 1.0}));
  EXPECT_NO_THROW((void)training_loss(scores(), labels, {}, {}));
}

}  // namespace
}  // namespace ompq::training
