#include "ompq/graph/operator_traits.h"

#include <limits>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "ompq/graph/op_roles.h"
#include "ompq/graph/passes.h"
#include "ompq/graph/uses.h"
#include "support/graph_builder.h"

namespace ompq::graph {
namespace {

using testing::GraphBuilder;

constexpr float kInfinity = std::numeric_limits<float>::infinity();
const Shape kRows{Dim::batch(), Dim::fixed(4)};

/// The bounds of a node that reads `x` and these constants.
std::optional<Bounds> bounds_of_node(Node node,
                                     const std::vector<Tensor>& constants,
                                     DataType type = DataType::Float32,
                                     bool constant_first = false) {
  GraphBuilder b("bounds");
  const ValueId x = b.graph().add_input("x", type, kRows);
  node.name = "node";
  if (!constant_first) node.inputs.push_back(x);
  for (std::size_t i = 0; i < constants.size(); ++i) {
    node.inputs.push_back(b.constant(fmt::format("constant_{}", i), constants[i]));
  }
  if (constant_first) node.inputs.push_back(x);
  const Graph graph = b.finish({b.op(std::move(node), kRows, type)});
  return bounds_of(graph, graph.node(0));
}

Tensor number(float value) { return Tensor::scalar(value); }

TEST(OperatorTraits, HaveOneRowForEachOperator) {
  std::set<std::pair<std::string, std::string>> seen;
  for (const OperatorTraits& row : operator_traits().rows()) {
    EXPECT_TRUE(seen.emplace(row.domain, row.type).second) << row.type << " has two rows";
    EXPECT_EQ(&traits_of(row.domain, row.type), &row);
    int last = 0;
    for (const OpsetMove& move : row.moves) {
      EXPECT_NE(move.upgrade, nullptr) << row.type;
      EXPECT_GT(move.changed_in, last) << row.type << ": moves are in the order of opsets";
      last = move.changed_in;
    }
  }
  EXPECT_GT(seen.size(), 50U);
}

TEST(OperatorTraits, AreEmptyForAnOperatorWithoutARow) {
  const OperatorTraits& none = traits_of("example", "Relu");
  EXPECT_EQ(none.role, Role::Other);
  EXPECT_EQ(none.post_op, PostOp::None);
  EXPECT_EQ(none.integer, IntegerForm::Float);
}

TEST(BoundsOf, ReadsOperandsAndAttributes) {
  EXPECT_EQ(bounds_of_node({.op_type = "Relu"}, {}), (Bounds{0, kInfinity}));
  EXPECT_EQ(bounds_of_node({.op_type = "Clip"}, {number(-1), number(6)}), (Bounds{-1, 6}));
  EXPECT_EQ(bounds_of_node({.op_type = "Clip"}, {number(-1)}), (Bounds{-1, kInfinity}));
  EXPECT_EQ(bounds_of_node({.op_type = "Clip", .attributes = {{"max", 6.0F}}}, {}),
            (Bounds{-kInfinity, 6}));
  EXPECT_EQ(bounds_of_node({.op_type = "Max"}, {number(0)}), (Bounds{0, kInfinity}));
  EXPECT_EQ(bounds_of_node({.op_type = "Min"}, {number(6)}), (Bounds{-kInfinity, 6}));
}

TEST(BoundsOf, IsNothingWhereTheFirstOperandIsNotCutToKnownNumbers) {
  const Tensor four = Tensor::from<float>({4}, {1, 2, 3, 4});
  EXPECT_EQ(bounds_of_node({.op_type = "Sigmoid"}, {}), std::nullopt);
  EXPECT_EQ(bounds_of_node({.op_type = "Clip"}, {number(6), number(-1)}), std::nullopt);
  EXPECT_EQ(bounds_of_node({.op_type = "Max"}, {four}), std::nullopt);
  EXPECT_EQ(bounds_of_node({.op_type = "Max"}, {number(0), number(1)}), std::nullopt);
  EXPECT_EQ(bounds_of_node({.op_type = "Max"}, {number(0)}, DataType::Float32, true), std::nullopt);
  EXPECT_EQ(bounds_of_node({.op_type = "Relu"}, {}, DataType::Int32), std::nullopt);
  EXPECT_EQ(bounds_of_node({.op_type = "Clip", .domain = "example"}, {number(0)}), std::nullopt);
}

TEST(BoundsOf, IsNothingWhereABoundIsComputed) {
  GraphBuilder b("bounds");
  const ValueId x = b.input("x", kRows);
  const ValueId max = b.op({.name = "most", .op_type = "ReduceMax", .inputs = {x}}, {});
  for (const char* type : {"Clip", "Min", "Max"}) {
    b.op({.name = type, .op_type = type, .inputs = {x, max}}, kRows);
  }
  const Graph graph = b.finish({max});
  for (const Node& node : graph.nodes()) EXPECT_EQ(bounds_of(graph, node), std::nullopt);
}

TEST(FusedActivation, IsWhatAFusedNodeTells) {
  Node fused{.name = "fused", .op_type = "FusedConv", .domain = "ompq"};
  EXPECT_EQ(activation_of(fused).type, "");
  set_activation(fused, {.type = "Leak", .domain = "example", .parameters = {{"alpha", 0.5F}}});
  const FusedActivation activation = activation_of(fused);
  EXPECT_EQ(activation.type, "Leak");
  EXPECT_EQ(activation.domain, "example");
  ASSERT_EQ(activation.parameters.size(), 1U);
  EXPECT_EQ(std::get<float>(activation.parameters.at("alpha")), 0.5F);
}

TEST(FusedActivation, HasTheDefaultsOfItsOperator) {
  const Node leaky{.op_type = "FusedConv", .attributes = {{"activation", "LeakyRelu"}}};
  EXPECT_EQ(std::get<float>(activation_of(leaky).parameters.at("alpha")), 0.01F);
  const Node clip{.op_type = "FusedConv",
                  .attributes = {{"activation", "Clip"}, {"activation_max", 6.0F}}};
  EXPECT_EQ(std::get<float>(activation_of(clip).parameters.at("min")), -kInfinity);
  EXPECT_EQ(std::get<float>(activation_of(clip).parameters.at("max")), 6.0F);
}

/// Everything that reads roles learns of an operator from its row alone.
TEST(OperatorTraits, GiveAnOperatorOfOnesOwnItsPart) {
  GraphBuilder b("own");
  const ValueId x =
      b.conv("conv",
             b.input("x", {Dim::batch(), Dim::fixed(4), Dim::fixed(5), Dim::fixed(5)}),
             {.out = 4});
  const ValueId y =
      b.op({.name = "cut", .op_type = "Cut", .domain = "example", .inputs = {x}}, b.shape(x));
  const Graph graph = b.finish({y});
  EXPECT_FALSE(is_activation(graph, graph.node(1), x));
  Graph plain = graph;
  fuse(plain);
  EXPECT_EQ(plain.nodes().size(), 2U);

  const ScopedRow<OperatorTraits> row(operator_traits(),
                                      {.type = "Cut",
                                       .domain = "example",
                                       .role = Role::Bound,
                                       .bounds =
                                           [](const Graph&, const Node&) {
                                             return std::optional(Bounds{-1, 2});
                                           },
                                       .post_op = PostOp::Clip});
  EXPECT_TRUE(is_activation(graph, graph.node(1), x));
  EXPECT_TRUE(is_bound(graph, graph.node(1), x));
  EXPECT_EQ(bounds_of(graph, graph.node(1)), (Bounds{-1, 2}));
  Graph fused = graph;
  fuse(fused);
  ASSERT_EQ(fused.nodes().size(), 1U);
  EXPECT_EQ(activation_of(fused.node(0)).type, "Clip");
  EXPECT_EQ(fused.node(0).float_attribute("activation_max", 0), 2.0F);
}

TEST(IntegerChannelAxis, IsThatOfTheOutputChannels) {
  const Node conv{.op_type = "Conv"};
  EXPECT_EQ(integer_channel_axis(conv, "Conv", 4), 0);
  EXPECT_EQ(integer_channel_axis(conv, "MatMul", 2), 1);
  EXPECT_FALSE(integer_channel_axis(conv, "MatMul", 3)) << "a stack of matrices";
  EXPECT_FALSE(integer_channel_axis(conv, "ConvTranspose", 4));
  Node gemm{.op_type = "Gemm"};
  EXPECT_EQ(integer_channel_axis(gemm, "Gemm", 2), 1);
  gemm.attributes["transB"] = std::int64_t{1};
  EXPECT_EQ(integer_channel_axis(gemm, "Gemm", 2), 0);
  gemm.attributes["alpha"] = 0.5F;
  EXPECT_FALSE(integer_channel_axis(gemm, "Gemm", 2)) << "a factor";
}

TEST(Performs, IsTrueWhereTheOutermostLevelsAreThoseOfTheBounds) {
  EXPECT_TRUE(performs(0.1F, 0.0F, 60.0F, {0.0F, 6.0F}));
  EXPECT_TRUE(performs(0.1F, 0.0F, 50.0F, {0.0F, 6.0F})) << "the range is a part";
  EXPECT_FALSE(performs(0.1F, 0.0F, 70.0F, {0.0F, 6.0F}));
  EXPECT_FALSE(performs(0.1F, -1.0F, 60.0F, {0.0F, 6.0F}));
  EXPECT_TRUE(performs(0.1F, -9.0F, 9.0F, Bounds{}));
}

}  // namespace
}  // namespace ompq::graph
