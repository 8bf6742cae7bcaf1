#include "ompq/ops/inline_branches.h"

#include <memory>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ompq/ops/infer.h"
#include "ops/op_case.h"

namespace ompq::ops {
namespace {

using graph::Dim;
using graph::Graph;
using graph::Node;
using graph::ValueId;
using ::testing::ElementsAre;

ValueId add_to(Graph& graph,
               const std::string& type,
               std::vector<ValueId> inputs,
               std::map<std::string, graph::Attribute> attributes = {}) {
  return graph.add_op({.name = "",
                       .op_type = type,
                       .domain = "",
                       .inputs = std::move(inputs),
                       .outputs = {},
                       .attributes = std::move(attributes)});
}

/// A branch with one input that `build` turns into its output.
template <typename Build>
graph::SubGraph branch(Build build) {
  auto inside = std::make_shared<Graph>();
  const ValueId x = inside->add_open_input("x");
  inside->mark_output(build(*inside, x));
  return inside;
}

graph::SubGraph unary_branch(const std::string& type) {
  return branch([&](Graph& graph, ValueId x) { return add_to(graph, type, {x}); });
}

/// If `condition`, `yes` of x, else `no` of x.
ValueId choose(
    Graph& graph, ValueId condition, ValueId x, graph::SubGraph yes, graph::SubGraph no) {
  return add_to(graph,
                "If",
                {condition, x},
                {{"then_branch", std::move(yes)},
                 {"else_branch", std::move(no)},
                 {std::string(graph::kCapturesNote), std::int64_t{1}}});
}

std::vector<std::string> types_left(const Graph& graph) {
  std::vector<std::string> found;
  for (const Node& node : graph.nodes()) found.push_back(node.op_type);
  return found;
}

ValueId images(Graph& graph) {
  return graph.add_input(
      "x", DataType::Float32, {Dim::batch(), Dim::fixed(3), Dim::fixed(8), Dim::fixed(8)});
}

TEST(InlineKnownBranches, PutsTheBranchOfAConstantConditionInItsPlace) {
  for (const bool condition : {true, false}) {
    Graph graph;
    const ValueId x = images(graph);
    const ValueId c = graph.add_constant("c", Tensor::scalar(condition));
    const ValueId y = choose(graph, c, x, unary_branch("Relu"), unary_branch("Neg"));
    graph.mark_output(y);
    const std::string name = graph.value(y).name;
    EXPECT_EQ(inline_known_branches(graph), 1);
    EXPECT_THAT(types_left(graph), ElementsAre(condition ? "Relu" : "Neg"));
    EXPECT_EQ(graph.value(graph.nodes()[0].outputs[0]).name, name);
    infer_and_fold(graph);
    EXPECT_EQ(graph::to_string(*graph.value(y).shape), "Nx3x8x8");
  }
}

TEST(InlineKnownBranches, DecidesByShapes) {
  // if x.shape[1] == 3: relu(x) else: -x
  Graph graph;
  const ValueId x = images(graph);
  const ValueId place = graph.add_constant("place", Tensor::scalar<std::int64_t>(1));
  const ValueId three = graph.add_constant("three", Tensor::scalar<std::int64_t>(3));
  const ValueId channels = add_to(graph, "Gather", {add_to(graph, "Shape", {x}), place});
  const ValueId c = add_to(graph, "Equal", {channels, three});
  graph.mark_output(choose(graph, c, x, unary_branch("Relu"), unary_branch("Neg")));
  infer_and_fold(graph);
  EXPECT_THAT(types_left(graph), ElementsAre("Relu"));
}

TEST(InlineKnownBranches, ReachesBranchesWithinBranchesAndKeepsNamesApart) {
  Graph graph;
  const ValueId x = images(graph);
  const ValueId c = graph.add_constant("c", Tensor::scalar(true));
  const auto nested = branch([&](Graph& inside, ValueId inner) {
    const ValueId d = inside.add_constant("c", Tensor::scalar(false));
    return choose(inside, d, inner, unary_branch("Neg"), unary_branch("Tanh"));
  });
  graph.mark_output(choose(graph, c, x, nested, unary_branch("Exp")));
  EXPECT_EQ(inline_known_branches(graph), 2);
  EXPECT_THAT(types_left(graph), ElementsAre("Tanh"));
}

TEST(InlineKnownBranches, CopiesWhatABranchPassesOn) {
  Graph graph;
  const ValueId x = images(graph);
  const ValueId c = graph.add_constant("c", Tensor::scalar(true));
  const auto pass = branch([](Graph&, ValueId inner) { return inner; });
  graph.mark_output(choose(graph, c, x, pass, unary_branch("Exp")));
  EXPECT_EQ(inline_known_branches(graph), 1);
  EXPECT_THAT(types_left(graph), ElementsAre("Identity"));
}

TEST(InlineKnownBranches, LeavesAComputedConditionAlone) {
  Graph graph;
  const ValueId x = images(graph);
  const ValueId zero = graph.add_constant("zero", Tensor::scalar(0.0F));
  const ValueId sum = add_to(graph, "ReduceSum", {x}, {{"keepdims", std::int64_t{0}}});
  const ValueId c = add_to(graph, "Greater", {sum, zero});
  const ValueId y = choose(graph, c, x, unary_branch("Relu"), unary_branch("Neg"));
  graph.mark_output(y);
  EXPECT_EQ(inline_known_branches(graph), 0);
  infer_and_fold(graph);
  EXPECT_EQ(graph::to_string(*graph.value(y).shape), "Nx3x8x8");
}

/// if rate == 16: relu(x) else: shape (2, 12) of x, which fits no image.
Graph choosing_by_rate() {
  Graph graph;
  const ValueId x = images(graph);
  const ValueId rate = graph.add_input("rate", DataType::Int64, {});
  const ValueId known = graph.add_constant("known", Tensor::scalar<std::int64_t>(16));
  const ValueId c = add_to(graph, "Equal", {rate, known});
  const auto misfit = branch([](Graph& inside, ValueId inner) {
    const ValueId w = inside.add_constant("w", Tensor::from<float>({5, 1}, {1, 2, 3, 4, 5}));
    return add_to(inside, "MatMul", {inner, w});
  });
  graph.mark_output(choose(graph, c, x, unary_branch("Relu"), misfit));
  return graph;
}

TEST(TakeBranches, PutsTheNodesOfTheBranchBeforeTheIfAndKeepsTheOther) {
  Graph graph = choosing_by_rate();
  EXPECT_EQ(take_branches(graph, {{"rate", Tensor::scalar<std::int64_t>(16)}}), 1);
  infer_and_fold(graph);
  EXPECT_THAT(types_left(graph), ::testing::UnorderedElementsAre("Equal", "Relu", "If"));
  const Node& choice = graph.nodes().back();
  ASSERT_TRUE(choice.is("If"));
  EXPECT_EQ(graph::to_string(*graph.value(choice.outputs[0]).shape), "Nx3x8x8");
  ASSERT_NE(choice.sub_graph("else_branch"), nullptr);
  EXPECT_THAT(types_left(*choice.sub_graph("else_branch")), ElementsAre("MatMul"));
  EXPECT_THAT(types_left(*choice.sub_graph("then_branch")), ::testing::IsEmpty());
  EXPECT_EQ(take_branches(graph, {{"rate", Tensor::scalar<std::int64_t>(16)}}), 0) << "once only";
}

TEST(TakeBranches, LeavesWhatTheNumbersDoNotDecide) {
  Graph graph = choosing_by_rate();
  EXPECT_EQ(take_branches(graph, {}), 0);
  EXPECT_EQ(take_branches(graph, {{"volume", Tensor::scalar<std::int64_t>(16)}}), 0);
  EXPECT_THAT(types_left(graph), ElementsAre("Equal", "If"));
}

}  // namespace
}  // namespace ompq::ops
