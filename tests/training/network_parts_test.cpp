#include "ompq/training/network_parts.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ompq/core/error.h"
#include "ompq/graph/passes.h"
#include "ompq/ops/aten_bridge.h"
#include "support/graph_builder.h"
#include "training/network_cases.h"

namespace ompq::training {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using testing::float_scores;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::normal_inputs;
using testing::relative_difference;
using ::testing::ThrowsMessage;
using testing::tiny_network;

/// Sums of up to 2^7 float32 products in five layers.
constexpr double kPartsRounding = 0x1p-24 * 128 * 5;

std::vector<std::string> norm_names(const NetworkParts& parts) {
  std::vector<std::string> names;
  for (const NormPart& part : parts.norms) names.push_back(part.norm.name);
  return names;
}

const ParameterPart& parameter_named(const NetworkParts& parts, const std::string& name) {
  for (const auto& [id, part] : parts.parameters) {
    if (part.name == name) return part;
  }
  throw std::runtime_error("no parameter " + name);
}

const Tensor& constant_named(const graph::Graph& graph, const std::string& name) {
  return *graph.value(graph.find_value(name)).constant;
}

std::int64_t count_norms(const graph::Graph& graph) {
  return std::ranges::count(graph.nodes(), "BatchNormalization", &graph::Node::op_type);
}

TEST(TakeApart, LearnsFoldedWeightsIfNormsAreFrozen) {
  const NetworkParts parts = take_apart(tiny_network(), NormMode::Frozen);
  EXPECT_THAT(norm_names(parts), IsEmpty());
  EXPECT_EQ(parts.layers.size(), 5U);
  EXPECT_EQ(parts.products.size(), 5U);
  EXPECT_EQ(parts.layer_of_bias.size(), 5U) << "folding gave every layer a bias";
  graph::Graph folded = tiny_network();
  graph::fold_batch_norms(folded);
  for (const auto& [id, part] : parts.parameters) {
    EXPECT_TRUE(ops::from_aten(part.tensor.detach()).equals(constant_named(folded, part.name)))
        << part.name;
    EXPECT_TRUE(part.tensor.requires_grad()) << part.name;
  }
}

TEST(TakeApart, LearnsUnfoldedWeightsAndNormsIfTheseAreTrained) {
  const graph::Graph graph = tiny_network();
  const NetworkParts parts = take_apart(graph, NormMode::Trained);
  EXPECT_THAT(norm_names(parts),
              ElementsAre("stem.norm", "depthwise.norm", "project.norm", "down.norm"));
  for (const char* name : {"stem.weight", "depthwise.weight", "project.weight", "down.weight"}) {
    const ParameterPart& part = parameter_named(parts, name);
    EXPECT_EQ(part.role, Role::Weight);
    EXPECT_TRUE(ops::from_aten(part.tensor.detach()).equals(constant_named(graph, name))) << name;
  }
  EXPECT_EQ(parts.layer_of_bias.size(), 1U) << "only the classifier's";
  EXPECT_EQ(parameter_named(parts, "classifier.bias").role, Role::Bias);
}

TEST(TakeApart, MergesABiasIntoTheRunningMean) {
  const graph::Graph graph = tiny_network();
  const NetworkParts parts = take_apart(graph, NormMode::Trained);
  const at::Tensor mean = ops::to_aten(constant_named(graph, "down.norm.running_mean"));
  const at::Tensor bias = ops::to_aten(constant_named(graph, "down.bias"));
  EXPECT_TRUE(at::allclose(parts.norms.back().norm.mean, mean - bias));
  EXPECT_GT(bias.abs().max().item<float>(), 0.0F);
}

TEST(TakeApart, NamesANodeThatIsNotSupported) {
  testing::GraphBuilder b("unsupported");
  const auto x = b.input("x", {graph::Dim::fixed(2), graph::Dim::fixed(4)});
  const graph::Graph graph = b.finish({b.gemm("fc", b.unary("Mystery", "riddle", x), 3)});
  EXPECT_THAT([&] { (void)take_apart(graph, NormMode::Frozen); },
              ThrowsMessage<UnsupportedOp>(AllOf(HasSubstr("'riddle'"), HasSubstr("Mystery"))));
}

TEST(PutTogether, IsTheSameFunctionWithEveryNormFolded) {
  const graph::Graph graph = tiny_network();
  const Tensor inputs = normal_inputs({3, 2, 8, 8}, 4);
  const Tensor expected = float_scores(graph, inputs);
  for (const NormMode mode : {NormMode::Frozen, NormMode::Trained}) {
    const graph::Graph made = put_together(take_apart(graph, mode));
    EXPECT_EQ(count_norms(made), 0);
    EXPECT_LT(relative_difference(float_scores(made, inputs), expected), kPartsRounding);
  }
}

TEST(WithNorms, IsTheSameFunctionWithEveryNormAfterItsOperator) {
  const graph::Graph graph = tiny_network();
  const Tensor inputs = normal_inputs({3, 2, 8, 8}, 4);
  const graph::Graph made = with_norms(take_apart(graph, NormMode::Trained));
  EXPECT_EQ(count_norms(made), 4);
  EXPECT_LT(relative_difference(float_scores(made, inputs), float_scores(graph, inputs)),
            kPartsRounding);
  for (const char* name : {"stem", "depthwise", "project", "down"}) {
    const auto& nodes = made.nodes();
    const auto at = std::ranges::find(nodes, name, &graph::Node::name);
    ASSERT_NE(at, nodes.end()) << name;
    EXPECT_EQ(at->inputs.size(), 2U) << name << " has no bias";
    EXPECT_EQ((at + 1)->name, std::string(name) + ".norm");
  }
}

TEST(WithNorms, WritesWhatWasLearned) {
  NetworkParts parts = take_apart(tiny_network(), NormMode::Trained);
  {
    const at::NoGradGuard guard;
    parts.norms[0].norm.shift.fill_(0.25F);
  }
  const graph::Graph made = with_norms(parts);
  for (const float value : constant_named(made, "stem.norm.bias").data<float>()) {
    EXPECT_EQ(value, 0.25F);
  }
}

TEST(Folding, DividesByTheDeviationAndTakesTheMeanFromTheShift) {
  NormPart part;
  part.norm = {.name = "n",
               .scale = at::tensor({2.0F, -3.0F}),
               .shift = at::tensor({1.0F, 0.5F}),
               .mean = at::tensor({4.0F, 2.0F}),
               .variance = at::tensor({3.75F, 8.75F}),
               .epsilon = 0.25F};
  const std::vector<float> factors = folding_factors(part.norm);
  EXPECT_THAT(factors, ElementsAre(1.0F, -1.0F));
  EXPECT_TRUE(at::equal(folded_bias(part, factors), at::tensor({-3.0F, 2.5F})));
}

}  // namespace
}  // namespace ompq::training
