#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>

#include <ATen/core/grad_mode.h>
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "ompq/core/random.h"
#include "ops/case_runner.h"

namespace ompq::ops {
namespace {

using testing::all_cases;
using testing::OpCase;
using testing::PreparedCase;

/// A case in float64, seen as one number: the weighted sum of its first output.
class Probe {
 public:
  explicit Probe(const OpCase& op_case) : prepared_(op_case), inputs_(prepared_.tensors()) {
    for (at::Tensor& input : inputs_) {
      if (input.defined() && input.scalar_type() == at::kFloat) input = input.to(at::kDouble);
    }
  }

  /// Inputs that a gradient may be asked of.
  [[nodiscard]] std::vector<std::size_t> differentiable() const {
    std::vector<std::size_t> found;
    for (std::size_t i = 0; i < inputs_.size(); ++i) {
      const bool is_data = inputs_[i].defined() && !prepared_.source.inputs[i].constant;
      if (is_data && inputs_[i].scalar_type() == at::kDouble) found.push_back(i);
    }
    return found;
  }

  [[nodiscard]] at::Tensor value() {
    const at::Tensor output = prepared_.op->run(prepared_.context(), inputs_)[0];
    if (!at::isFloatingType(output.scalar_type())) return {};
    if (!weights_.defined()) {
      weights_ = at::cos(at::arange(output.numel(), output.options())).reshape(output.sizes());
    }
    return (output * weights_).sum();
  }

  [[nodiscard]] at::Tensor& input(std::size_t index) { return inputs_[index]; }

 private:
  PreparedCase prepared_;
  std::vector<at::Tensor> inputs_;
  at::Tensor weights_;
};

double central_difference(Probe& probe, std::size_t input, std::int64_t element) {
  constexpr double kStep = 1e-6;
  const at::NoGradGuard no_grad;
  const at::Tensor original = probe.input(input);
  double values[2];
  for (const int side : {0, 1}) {
    const at::Tensor moved = original.clone();
    moved.view({-1})[element] += side == 0 ? kStep : -kStep;
    probe.input(input) = moved;
    values[side] = probe.value().item<double>();
  }
  probe.input(input) = original;
  return (values[0] - values[1]) / (2 * kStep);
}

class GradientTest : public ::testing::TestWithParam<OpCase> {};

TEST_P(GradientTest, EqualsCentralDifferences) {
  Probe probe(GetParam());
  for (const std::size_t index : probe.differentiable()) {
    probe.input(index) = probe.input(index).detach().requires_grad_(true);
    const at::Tensor value = probe.value();
    if (!value.defined()) return;
    ASSERT_TRUE(value.requires_grad()) << GetParam().name() << " cuts the gradient";
    value.backward();
    const at::Tensor gradient = probe.input(index).grad().detach().contiguous();
    probe.input(index) = probe.input(index).detach();
    Random random(7);
    for (int i = 0; i < 8 && gradient.numel() > 0; ++i) {
      const auto element =
          static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(gradient.numel())));
      const double got = gradient.view({-1})[element].item<double>();
      const double expected = central_difference(probe, index, element);
      EXPECT_NEAR(got, expected, 1e-5 * std::max(1.0, std::abs(expected)))
          << GetParam().name() << ", input " << index << ", element " << element;
    }
  }
}

std::vector<std::int64_t> reversed_axes(const at::Tensor& tensor) {
  std::vector<std::int64_t> axes(static_cast<std::size_t>(tensor.dim()));
  std::iota(axes.rbegin(), axes.rend(), 0);
  return axes;
}

/// The same numbers with the axes in the opposite order in memory, as what a Transpose hands back.
at::Tensor with_reversed_layout(const at::Tensor& tensor) {
  return tensor.permute(reversed_axes(tensor)).contiguous().permute(reversed_axes(tensor));
}

/// Gradients of a case's float32 inputs, for this gradient of its first output.
std::vector<at::Tensor> gradients_of(const OpCase& op_case,
                                     const std::function<at::Tensor(const at::Tensor&)>& layout) {
  PreparedCase prepared(op_case);
  std::vector<at::Tensor> inputs = prepared.tensors();
  std::vector<at::Tensor> leaves;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const bool is_data = inputs[i].defined() && !prepared.source.inputs[i].constant;
    if (!is_data || inputs[i].scalar_type() != at::kFloat) continue;
    inputs[i] = inputs[i].detach().requires_grad_(true);
    leaves.push_back(inputs[i]);
  }
  const at::Tensor output = prepared.op->run(prepared.context(), inputs)[0];
  if (!output.requires_grad()) return {};
  output.backward(layout(at::cos(at::arange(output.numel(), at::kFloat)).reshape(output.sizes())));
  for (at::Tensor& leaf : leaves) leaf = leaf.grad();
  return leaves;
}

TEST_P(GradientTest, IsTheSameForEveryLayoutOfTheOutputsGradient) {
  // First the unusual layout: memory that nobody wrote must not hold the right numbers by chance.
  const auto got = gradients_of(GetParam(), with_reversed_layout);
  const auto expected = gradients_of(GetParam(), [](const at::Tensor& g) { return g; });
  ASSERT_EQ(got.size(), expected.size());
  for (std::size_t i = 0; i < got.size(); ++i) {
    if (!expected[i].defined() || expected[i].numel() == 0) continue;
    const double largest = expected[i].abs().max().item<double>();
    const double error = (got[i] - expected[i]).abs().max().item<double>();
    EXPECT_LE(error, 1e-5 * std::max(1.0, largest)) << GetParam().name() << ", gradient " << i;
  }
}

std::vector<OpCase> smooth_cases() {
  std::vector<OpCase> smooth;
  for (const OpCase& op_case : all_cases()) {
    const bool has_data = std::any_of(
        op_case.inputs.begin(), op_case.inputs.end(), [](const testing::CaseInput& input) {
          return input.present && !input.constant && input.tensor.type() == DataType::Float32;
        });
    if (op_case.smooth && has_data) smooth.push_back(op_case);
  }
  return smooth;
}

INSTANTIATE_TEST_SUITE_P(Operators,
                         GradientTest,
                         ::testing::ValuesIn(smooth_cases()),
                         [](const auto& tested) {
                           return fmt::format("{:03}_{}", tested.index, tested.param.op_type);
                         });

TEST(FakeQuantize, PassesTheGradientInsideOfItsRangeAlone) {
  graph::Node node;
  node.op_type = "FakeQuantize";
  node.domain = "ompq";
  node.attributes = {{"quant_min", 0}, {"quant_max", 15}};
  const at::Tensor x = at::tensor({-5.0F, -0.3F, 0.26F, 1.4F, 5.0F}).requires_grad_(true);
  const std::vector<at::Tensor> inputs{
      x, at::scalar_tensor(0.25F), at::scalar_tensor(8, at::kByte)};
  const Operator* op = find_operator("ompq", "FakeQuantize");
  const at::Tensor y = op->run({node, 13}, inputs)[0];
  y.sum().backward();
  const std::vector<float> gradient(x.grad().data_ptr<float>(), x.grad().data_ptr<float>() + 5);
  EXPECT_EQ(gradient, (std::vector<float>{0, 1, 1, 1, 0}));
  const std::vector<float> values(y.data_ptr<float>(), y.data_ptr<float>() + 5);
  EXPECT_EQ(values, (std::vector<float>{-2.0F, -0.25F, 0.25F, 1.5F, 1.75F}));
}

}  // namespace
}  // namespace ompq::ops
