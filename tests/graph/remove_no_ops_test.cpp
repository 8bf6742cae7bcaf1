#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ompq/graph/passes.h"
#include "support/graph_builder.h"
#include "support/judge.h"
#include "support/judged_graphs.h"

namespace ompq::graph {
namespace {

using ::testing::ElementsAre;
using testing::GraphBuilder;
using ::testing::IsEmpty;

const Shape kNoOpImage{Dim::batch(), Dim::fixed(4), Dim::fixed(5), Dim::fixed(5)};

std::vector<std::string> op_types_left(const Graph& graph) {
  std::vector<std::string> types;
  for (const Node& node : graph.nodes()) types.push_back(node.op_type);
  return types;
}

TEST(RemoveNoOps, RemovesAChainOfIdentities) {
  GraphBuilder b("chain");
  ValueId x = b.relu("first", b.input("input", kNoOpImage));
  x = b.unary("Identity", "identity", x);
  x = b.unary("Dropout", "dropout", x);
  x = b.pad("pad", x, {0, 0, 0, 0});
  x = b.transpose("transpose", x, {0, 1, 2, 3});
  x = b.concat("concat", {x}, 1);
  Graph graph = b.finish({b.relu("last", x)});
  EXPECT_EQ(remove_no_ops(graph), 5);
  EXPECT_THAT(op_types_left(graph), ElementsAre("Relu", "Relu"));
  EXPECT_EQ(graph.node(1).inputs[0], graph.node(0).outputs[0]);
}

TEST(RemoveNoOps, KeepsTheNameOfANetworkOutput) {
  GraphBuilder b("output");
  const ValueId x = b.relu("relu", b.input("input", kNoOpImage));
  const ValueId shown = b.unary("Identity", "identity", x);
  const ValueId other = b.relu("other", x);
  Graph graph = b.finish({shown, other});
  EXPECT_EQ(remove_no_ops(graph), 1);
  EXPECT_THAT(graph.outputs(), ElementsAre(shown, other));
  EXPECT_EQ(graph.producer(shown), 0);
  EXPECT_EQ(graph.node(1).inputs[0], shown);
  EXPECT_NO_THROW(graph.sort());
}

TEST(RemoveNoOps, KeepsWhatShowsTheInputOrOneValueTwice) {
  GraphBuilder b("shown");
  const ValueId input = b.input("input", kNoOpImage);
  const ValueId x = b.relu("relu", input);
  Graph graph =
      b.finish({b.unary("Identity", "of_input", input), x, b.unary("Identity", "of_output", x)});
  EXPECT_EQ(remove_no_ops(graph), 0);
}

TEST(RemoveNoOps, KeepsADropoutWhoseMaskIsRead) {
  GraphBuilder b("mask");
  const ValueId x = b.unary("Dropout", "dropout", b.input("input", kNoOpImage));
  const ValueId mask = b.graph().add_value({"mask", DataType::Bool, kNoOpImage});
  b.graph().mutable_node(0).outputs.push_back(mask);
  Graph graph = b.finish({b.relu("relu", x), mask});
  EXPECT_EQ(remove_no_ops(graph), 0);
}

TEST(RemoveNoOps, KeepsACastToAnotherType) {
  GraphBuilder b("cast");
  const ValueId x = b.input("input", kNoOpImage);
  const ValueId same = b.op({.name = "same", .op_type = "Cast", .inputs = {x}}, kNoOpImage);
  const ValueId codes =
      b.op({.name = "other", .op_type = "Cast", .inputs = {same}}, kNoOpImage, DataType::Int64);
  Graph graph = b.finish({codes});
  EXPECT_EQ(remove_no_ops(graph), 1);
  EXPECT_EQ(graph.node(0).name, "other");
}

class ConstantAfter : public ::testing::TestWithParam<std::string> {};

/// operator without bias -> Add of one number per channel.
Graph with_addend(const std::string& type, std::vector<std::int64_t> addend) {
  GraphBuilder b("addend");
  ValueId x = b.input("input", type == "Gemm" ? Shape{Dim::batch(), Dim::fixed(4)} : kNoOpImage);
  if (type == "Conv") x = b.conv("op", x, {.out = 6, .kernel = 3});
  if (type == "ConvTranspose") x = b.conv_transpose("op", x, {.out = 6, .groups = 2});
  if (type == "Gemm") {
    const ValueId weight = b.normal_constant("op.weight", {4, 6}, 1.0);
    x = b.op({.name = "op", .op_type = "Gemm", .inputs = {x, weight}},
             {Dim::batch(), Dim::fixed(6)});
  }
  return b.finish({b.add("add", b.normal_constant("addend", std::move(addend), 1.0), x)});
}

Graph with_channel_addend(const std::string& type) {
  return with_addend(
      type, type == "Gemm" ? std::vector<std::int64_t>{6} : std::vector<std::int64_t>{6, 1, 1});
}

TEST_P(ConstantAfter, BecomesTheBias) {
  const Graph before = with_channel_addend(GetParam());
  Graph after = before;
  EXPECT_EQ(remove_no_ops(after), 1);
  EXPECT_THAT(op_types_left(after), ElementsAre(GetParam()));
  EXPECT_EQ(after.outputs(), before.outputs());
}

INSTANTIATE_TEST_SUITE_P(RemoveNoOps,
                         ConstantAfter,
                         ::testing::Values("Conv", "ConvTranspose", "Gemm"));

TEST(RemoveNoOps, KeepsWhatOnnxRuntimeComputesWithTheConstantAsBias) {
  OMPQ_JUDGE_OR_SKIP();
  testing::JudgedGraphs judged;
  for (const std::string type : {"Conv", "ConvTranspose", "Gemm"}) {
    Graph graph = with_channel_addend(type);
    const testing::Feed feed = testing::normal_feed(graph, 2, 5);
    judged.add(type, graph, feed);
    remove_no_ops(graph);
    graph.sort();
    judged.add(type + " with bias", graph, feed);
  }
  const auto outputs = judged.run();
  for (const std::string type : {"Conv", "ConvTranspose", "Gemm"}) {
    testing::expect_same_outputs(outputs.at(type + " with bias"), outputs.at(type), type);
  }
}

TEST(RemoveNoOps, LeavesAnAddendThatIsNotOneNumberAChannel) {
  for (const std::vector<std::int64_t>& addend :
       {std::vector<std::int64_t>{1, 5, 5}, {6, 5, 5}, {5}, {2, 6, 1, 1}}) {
    Graph graph = with_addend("Conv", addend);
    EXPECT_EQ(remove_no_ops(graph), 0) << "addend of rank " << addend.size();
  }
}

TEST(RemoveNoOps, LeavesAnAddBehindAnOperatorThatOthersRead) {
  GraphBuilder b("read_twice");
  const ValueId x = b.conv("op", b.input("input", kNoOpImage), {.out = 4});
  const ValueId y = b.add("add", x, b.normal_constant("addend", {4, 1, 1}, 1.0));
  Graph graph = b.finish({b.add("sum", x, y)});
  EXPECT_EQ(remove_no_ops(graph), 0);
}

}  // namespace
}  // namespace ompq::graph
