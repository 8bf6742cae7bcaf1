#include "ompq/training/network_parts.h"

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ompq/core/error.h"
#include "support/graph_builder.h"
#include "training/network_cases.h"

namespace ompq::training {
namespace {

using graph::Dim;
using graph::Graph;
using ompq::testing::GraphBuilder;
using ::testing::IsEmpty;
using ::testing::SizeIs;

/// conv (with a bias) -> norm -> relu -> gemm.
Graph one_norm() {
  GraphBuilder builder("net", 5);
  auto x = builder.input("x", {Dim::batch(), Dim::fixed(2), Dim::fixed(4), Dim::fixed(4)});
  x = builder.relu("relu", builder.norm("bn", builder.conv("conv", x, {.out = 3, .bias = true})));
  x = builder.flatten("flatten", builder.global_average_pool("pool", x));
  return testing::prepared(builder.finish({builder.gemm("fc", x, 4)}));
}

std::vector<std::string> parameter_names(const NetworkParts& parts) {
  std::vector<std::string> names;
  for (const auto& [id, part] : parts.parameters) names.push_back(part.name);
  return names;
}

std::int64_t count_of(const Graph& graph, const char* op_type) {
  return std::ranges::count_if(graph.nodes(),
                               [&](const graph::Node& node) { return node.is(op_type); });
}

TEST(TakeApart, FoldsNormsThatAreFrozen) {
  const NetworkParts parts = take_apart(one_norm(), NormMode::Frozen);
  EXPECT_THAT(parts.norms, IsEmpty());
  EXPECT_EQ(count_of(parts.folded, "BatchNormalization"), 0);
  EXPECT_THAT(parts.layers, SizeIs(2));
  EXPECT_THAT(parts.products, SizeIs(2));
  EXPECT_THAT(parts.parameters, SizeIs(4)) << "weights and biases of two layers";
  for (const auto& [id, part] : parts.parameters) {
    EXPECT_TRUE(part.tensor.requires_grad()) << part.name;
    const bool weight = std::ranges::any_of(
        parts.layers, [&](const graph::Layer& layer) { return layer.weight == id; });
    EXPECT_EQ(part.role, weight ? Role::Weight : Role::Bias) << part.name;
  }
}

TEST(TakeApart, LearnsTheWeightBeforeATrainedNormWithoutABias) {
  const Graph graph = one_norm();
  const NetworkParts parts = take_apart(graph, NormMode::Trained);
  ASSERT_THAT(parts.norms, SizeIs(1));
  EXPECT_EQ(parts.norms[0].norm.name, "bn");
  EXPECT_TRUE(parts.norms[0].trained);
  EXPECT_FALSE(parts.norms[0].stands_alone);
  EXPECT_THAT(parameter_names(parts), SizeIs(3)) << "the norm replaces the bias";
  const graph::Layer& conv = parts.layers[0];
  EXPECT_FALSE(parts.parameters.contains(conv.bias));
  const at::Tensor weight = parts.parameters.at(conv.weight).tensor.detach();
  const std::vector<float> own = graph.value(graph.find_value("conv.weight")).constant->to_floats();
  EXPECT_EQ(std::vector<float>(weight.data_ptr<float>(), weight.data_ptr<float>() + weight.numel()),
            own)
      << "not the folded one";
  // The bias moves into the running mean: norm(z + b) = norm of z with the mean reduced by b.
  const auto bias = graph.value(graph.find_value("conv.bias")).constant->to_floats();
  const auto& norm = testing::node_named(graph, "bn");
  const auto mean = graph.value(norm.inputs[3]).constant->to_floats();
  for (std::size_t c = 0; c < 3; ++c) {
    EXPECT_NEAR(parts.norms[0].norm.mean.data_ptr<float>()[c], mean[c] - bias[c], 1e-6) << c;
  }
}

TEST(PutTogether, IsTheSameFunctionInEveryForm) {
  const Graph graph = testing::prepared(testing::tiny_network());
  const Tensor inputs = testing::normal_inputs({4, 2, 8, 8}, 3);
  const Tensor expected = testing::float_scores(graph, inputs);
  for (const NormMode mode : {NormMode::Frozen, NormMode::Trained}) {
    const NetworkParts parts = take_apart(graph, mode);
    const Graph folded = put_together(parts);
    EXPECT_EQ(count_of(folded, "BatchNormalization"), 0);
    EXPECT_LT(testing::relative_difference(testing::float_scores(folded, inputs), expected), 1e-5);
    const Graph normed = with_norms(parts);
    EXPECT_EQ(count_of(normed, "BatchNormalization"),
              mode == NormMode::Trained ? count_of(graph, "BatchNormalization") : 0);
    EXPECT_LT(testing::relative_difference(testing::float_scores(normed, inputs), expected), 1e-5);
  }
}

TEST(PutTogether, HasTheParametersThatWereLearned) {
  NetworkParts parts = take_apart(one_norm(), NormMode::Frozen);
  parts.parameters.at(parts.layers[1].bias).tensor.detach().fill_(7.0F);
  const Graph graph = put_together(parts);
  EXPECT_THAT(graph.value(parts.layers[1].bias).constant->to_floats(),
              ::testing::AllOf(SizeIs(4), ::testing::Each(7.0F)));
}

TEST(FoldingFactors, AreScaleOverDeviation) {
  NormPart part{.norm = {.name = "bn",
                         .scale = at::tensor({3.0F, -1.0F}),
                         .shift = at::tensor({10.0F, 0.5F}),
                         .mean = at::tensor({4.0F, 2.0F}),
                         .variance = at::tensor({3.75F, 0.0F}),
                         .epsilon = 0.25F}};
  const std::vector<float> factors = folding_factors(part.norm);
  EXPECT_THAT(factors, ::testing::ElementsAre(1.5F, -2.0F));
  const at::Tensor bias = folded_bias(part, factors);
  EXPECT_EQ(bias[0].item<float>(), 10 - 4 * 1.5F);
  EXPECT_EQ(bias[1].item<float>(), 0.5F + 2 * 2);
}

TEST(TakeApart, NamesAnUnsupportedOperator) {
  GraphBuilder builder("strange");
  const auto x = builder.input("x", {Dim::batch(), Dim::fixed(4)});
  const Graph graph = builder.finish({builder.unary("NoSuchOperator", "odd", x)});
  try {
    (void)take_apart(graph, NormMode::Frozen);
    FAIL() << "accepted an unknown operator";
  } catch (const UnsupportedOp& error) {
    EXPECT_THAT(error.what(), ::testing::HasSubstr("NoSuchOperator"));
  }
}

}  // namespace
}  // namespace ompq::training
