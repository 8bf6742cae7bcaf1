#include "ompq/runtime/class_losses.h"

#include <gtest/gtest.h>

namespace ompq::runtime {
namespace {

at::Tensor some_logits(double phase) {
  return at::sin(at::arange(12) * 1.3 + phase).reshape({3, 4});
}

std::vector<float> row_of(const at::Tensor& scores, std::int64_t row) {
  const at::Tensor own = scores[row].contiguous();
  return {own.data_ptr<float>(), own.data_ptr<float>() + own.numel()};
}

TEST(ClassLosses, EqualThoseOfTheSamplesOneByOne) {
  const at::Tensor a = some_logits(0.1);
  const at::Tensor b = some_logits(0.7);
  double expected = 0;
  for (std::int64_t row = 0; row < 3; ++row) {
    const std::vector<float> p = row_of(a, row);
    const std::vector<float> q = row_of(b, row);
    const auto logs = scores::log_probabilities(p, scores::Kind::Logits);
    const at::Tensor made = log_probabilities(a)[row];
    for (std::size_t c = 0; c < logs.size(); ++c) {
      EXPECT_NEAR(made[static_cast<std::int64_t>(c)].item<double>(), logs[c], 4 * 0x1p-23);
    }
    expected += scores::divergence_of_rows({p, 1, 4}, {q, 1, 4}, 0) / 3;
  }
  const at::Tensor got = mean_divergence(log_probabilities(a), log_probabilities(b));
  EXPECT_NEAR(got.item<double>(), expected, 16 * 0x1p-23);
}

TEST(ClassLosses, DivideLogitsByTheTemperature) {
  EXPECT_TRUE(
      log_probabilities(some_logits(0.1), 4.0).equal(log_probabilities(some_logits(0.1) / 4.0)));
}

TEST(LogitsOf, TurnsProbabilitiesIntoTheirLogarithms) {
  const at::Tensor logits = some_logits(0.1);
  const at::Tensor output = at::softmax(logits, 1).reshape({3, 4, 1, 1});
  const at::Tensor back = logits_of(output, scores::Kind::Probabilities);
  EXPECT_LT((log_probabilities(back) - log_probabilities(logits)).abs().max().item<float>(), 1e-6F);
  EXPECT_TRUE(logits_of(logits, scores::Kind::Logits).equal(logits));
}

TEST(LogitsOf, GivesNoInfiniteGradientWhereAProbabilityIsZero) {
  const at::Tensor output = at::tensor({1.0F, 0.0F}).reshape({1, 2}).requires_grad_(true);
  log_probabilities(logits_of(output, scores::Kind::Probabilities)).sum().backward();
  EXPECT_TRUE(at::isfinite(output.grad()).all().item<bool>());
}

}  // namespace
}  // namespace ompq::runtime
