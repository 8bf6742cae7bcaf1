#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ompq/graph/layers.h"
#include "ompq/graph/passes.h"

namespace ompq::graph {
namespace {

using Extents = std::vector<std::int64_t>;

/// MatMul of x by a weight of `extents`, with the shape that it makes.
ValueId product(Graph& graph, ValueId x, ValueId weight, Shape made) {
  const ValueId y = graph.add_op({.name = "",
                                  .op_type = "MatMul",
                                  .domain = "",
                                  .inputs = {x, weight},
                                  .outputs = {},
                                  .attributes = {}});
  graph.mutable_value(y).shape = std::move(made);
  return y;
}

const Shape kTokens{Dim::batch(), Dim::fixed(5), Dim::fixed(4)};

TEST(FlattenWeights, MakesAMatrixOfAWeightWithLeadingOnes) {
  Graph graph;
  const ValueId x = graph.add_input("x", DataType::Float32, kTokens);
  const ValueId w = graph.add_constant("w", Tensor(DataType::Float32, {1, 4, 4}));
  const ValueId h = product(graph, x, w, kTokens);
  graph.mark_output(product(graph, h, w, kTokens));
  EXPECT_EQ(flatten_weights(graph), 2);
  EXPECT_EQ(graph.value(w).constant->shape(), (Extents{4, 4}));
  EXPECT_EQ(graph.value(w).shape, fixed_shape({4, 4}));
  EXPECT_EQ(discover(graph).layers.size(), 2U);
  EXPECT_EQ(flatten_weights(graph), 0);
}

TEST(FlattenWeights, CopiesAWeightThatAnotherOperatorReads) {
  Graph graph;
  const ValueId x = graph.add_input("x", DataType::Float32, kTokens);
  const ValueId w = graph.add_constant("w", Tensor(DataType::Float32, {1, 4, 4}));
  graph.mark_output(product(graph, x, w, kTokens));
  graph.mark_output(graph.add_op({"neg", "Neg", "", {w}, {}, {}}));
  EXPECT_EQ(flatten_weights(graph), 1);
  EXPECT_EQ(graph.value(w).constant->shape(), (Extents{1, 4, 4}));
  EXPECT_EQ(graph.value(graph.nodes()[0].input(1)).constant->shape(), (Extents{4, 4}));
}

TEST(FlattenWeights, GivesBackTheAxesThatTheWeightHadMore) {
  Graph graph;
  const ValueId x = graph.add_input("x", DataType::Float32, {Dim::batch(), Dim::fixed(4)});
  const ValueId w = graph.add_constant("w", Tensor(DataType::Float32, {1, 1, 4, 3}));
  const ValueId y =
      product(graph, x, w, {Dim::fixed(1), Dim::fixed(1), Dim::batch(), Dim::fixed(3)});
  graph.mark_output(y);
  EXPECT_EQ(flatten_weights(graph), 1);
  ASSERT_EQ(graph.nodes().size(), 2U);
  EXPECT_EQ(graph.value(graph.nodes()[0].outputs[0]).shape, (Shape{Dim::batch(), Dim::fixed(3)}));
  EXPECT_EQ(graph.nodes()[1].op_type, "Unsqueeze");
  EXPECT_EQ(graph.nodes()[1].outputs[0], y);
  EXPECT_EQ(graph.value(graph.nodes()[1].input(1)).constant->to_int64s(), (Extents{0, 1}));
}

TEST(FlattenWeights, ChangesNothingWhereTheRankOfTheInputIsNotKnown) {
  Graph graph;
  const ValueId x = graph.add_open_input("x");
  const ValueId w = graph.add_constant("w", Tensor(DataType::Float32, {1, 4, 4}));
  graph.mark_output(product(graph, x, w, kTokens));
  EXPECT_EQ(flatten_weights(graph), 0);
  EXPECT_EQ(flatten_weights(graph, [](ValueId) { return std::optional<std::size_t>(3); }), 1);
  EXPECT_EQ(graph.value(w).constant->shape(), (Extents{4, 4}));
}

TEST(FlattenWeights, LeavesStacksOfMatricesAlone) {
  Graph graph;
  const ValueId x = graph.add_input("x", DataType::Float32, kTokens);
  const ValueId w = graph.add_constant("w", Tensor(DataType::Float32, {2, 4, 4}));
  graph.mark_output(product(graph, x, w, {Dim::fixed(2), Dim::fixed(5), Dim::fixed(4)}));
  EXPECT_EQ(flatten_weights(graph), 0);
}

}  // namespace
}  // namespace ompq::graph
