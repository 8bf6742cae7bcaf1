#include "ompq/graph/graph.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ompq/core/error.h"

namespace ompq::graph {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

Node unary(std::string name, ValueId x) {
  return {.name = std::move(name), .op_type = "Relu", .inputs = {x}};
}

/// input -> a -> b -> output, and a -> c that nobody reads.
struct Small {
  Graph graph;
  ValueId input = graph.add_input("input", DataType::Float32, fixed_shape({1, 2}));
  ValueId a = graph.add_op(unary("a", input));
  ValueId b = graph.add_op(unary("b", a));
  ValueId c = graph.add_op(unary("c", a));
  Small() { graph.mark_output(b); }

  [[nodiscard]] std::vector<std::string> node_names() const {
    std::vector<std::string> names;
    for (const Node& node : graph.nodes()) names.push_back(node.name);
    return names;
  }
};

TEST(Graph, KnowsProducersAndConsumers) {
  const Small small;
  EXPECT_EQ(small.graph.producer(small.input), kNoNode);
  EXPECT_EQ(small.graph.producer(small.b), 1);
  EXPECT_THAT(small.graph.consumers(small.a), ElementsAre(1, 2));
  EXPECT_TRUE(small.graph.consumers(small.b).empty());
  EXPECT_TRUE(small.graph.is_output(small.b));
  EXPECT_FALSE(small.graph.is_output(small.a));
}

TEST(Graph, CountsANodeThatReadsAValueTwiceOnce) {
  Graph graph;
  const ValueId x = graph.add_input("x", DataType::Float32, {});
  graph.add_op({.name = "square", .op_type = "Mul", .inputs = {x, x}});
  EXPECT_THAT(graph.consumers(x), ElementsAre(0));
}

TEST(Graph, SeesChangesAtOnce) {
  Small small;
  EXPECT_EQ(small.graph.consumers(small.a).size(), 2U);
  small.graph.mutable_node(2).inputs[0] = small.b;
  EXPECT_THAT(small.graph.consumers(small.a), ElementsAre(1));
  EXPECT_THAT(small.graph.consumers(small.b), ElementsAre(2));
}

TEST(Graph, MakesNodeNamesUnique) {
  Small small;
  const NodeId again = small.graph.add_node(unary("a", small.input));
  EXPECT_NE(small.graph.node(again).name, "a");
  const NodeId unnamed = small.graph.add_node(unary("", small.input));
  EXPECT_FALSE(small.graph.node(unnamed).name.empty());
}

TEST(Graph, RefusesASecondValueOfOneName) {
  Small small;
  EXPECT_THAT([&] { small.graph.add_value({"input"}); },
              ThrowsMessage<ImportError>(HasSubstr("two values are named 'input'")));
}

TEST(Graph, RenamesAConstantWhoseNameIsTaken) {
  Small small;
  const ValueId constant = small.graph.add_constant("input", Tensor::scalar(1.0F));
  EXPECT_NE(small.graph.value(constant).name, "input");
  EXPECT_TRUE(small.graph.is_constant(constant));
  EXPECT_FALSE(small.graph.is_constant(kNoValue));
}

TEST(Graph, RedirectsUses) {
  Small small;
  small.graph.replace_uses(small.b, small.a, true);
  EXPECT_THAT(small.graph.outputs(), ElementsAre(small.a));
  small.graph.replace_uses(small.a, small.input);
  EXPECT_THAT(small.graph.outputs(), ElementsAre(small.a));
  EXPECT_TRUE(small.graph.consumers(small.a).empty());
}

TEST(Graph, ErasesWhatNobodyReads) {
  Small small;
  const ValueId d = small.graph.add_op(unary("d", small.c));
  small.graph.add_op({.name = "e", .op_type = "Add", .inputs = {d, d}});
  small.graph.erase_dead_nodes();
  EXPECT_THAT(small.node_names(), ElementsAre("a", "b"));
  EXPECT_EQ(small.graph.producer(small.c), kNoNode);
}

TEST(Graph, ErasesNodesAndKeepsValueIds) {
  Small small;
  const NodeId gone[] = {0};
  small.graph.erase_nodes(gone);
  EXPECT_THAT(small.node_names(), ElementsAre("b", "c"));
  EXPECT_EQ(small.graph.value(small.b).name, "b_output");
  EXPECT_EQ(small.graph.producer(small.b), 0);
}

TEST(GraphSort, PutsMakersFirstAndKeepsTheRest) {
  Graph graph;
  const ValueId x = graph.add_input("x", DataType::Float32, {});
  const ValueId late = graph.add_value({"late"});
  graph.add_op(unary("needs_late", late));
  graph.add_op(unary("first", x));
  graph.add_op(unary("second", x));
  Node maker = unary("maker", x);
  maker.outputs = {late};
  graph.add_node(std::move(maker));
  graph.sort();
  std::vector<std::string> names;
  for (const Node& node : graph.nodes()) names.push_back(node.name);
  EXPECT_THAT(names, ElementsAre("first", "second", "maker", "needs_late"));
}

TEST(GraphSort, NamesTheNodesOfACycle) {
  Graph graph;
  const ValueId x = graph.add_value({"x"});
  const ValueId y = graph.add_op(unary("forth", x));
  Node back = unary("back", y);
  back.outputs = {x};
  graph.add_node(std::move(back));
  EXPECT_THAT([&] { graph.sort(); },
              ThrowsMessage<ImportError>(
                  ::testing::AllOf(HasSubstr("cycle"), HasSubstr("'forth', 'back'"))));
}

TEST(GraphSort, NamesAValueThatNobodyMakes) {
  Graph graph;
  graph.add_op(unary("lonely", graph.add_value({"nowhere"})));
  EXPECT_THAT([&] { graph.sort(); },
              ThrowsMessage<ImportError>(
                  HasSubstr("Relu node 'lonely' reads 'nowhere', which no node produces")));
}

TEST(GraphSort, NamesAValueThatIsMadeTwice) {
  Small small;
  Node duplicate = unary("twin", small.input);
  duplicate.outputs = {small.b};
  small.graph.add_node(std::move(duplicate));
  EXPECT_THAT([&] { small.graph.sort(); },
              ThrowsMessage<ImportError>(HasSubstr("'b_output' is produced twice")));
}

TEST(Node, AnswersWithTheFallbackWhereAnAttributeIsMissing) {
  Node node = unary("relu", 0);
  node.attributes["axis"] = std::int64_t{2};
  EXPECT_EQ(node.int_attribute("axis", 7), 2);
  EXPECT_EQ(node.int_attribute("other", 7), 7);
  EXPECT_EQ(node.input(0), 0);
  EXPECT_EQ(node.input(1), kNoValue);
}

TEST(Node, RefusesAnAttributeOfAnotherType) {
  Node node = unary("relu", 0);
  node.attributes["axis"] = 2.0F;
  EXPECT_THAT([&] { return node.int_attribute("axis", 0); },
              ThrowsMessage<ImportError>(HasSubstr("'axis' of Relu node 'relu'")));
}

}  // namespace
}  // namespace ompq::graph
