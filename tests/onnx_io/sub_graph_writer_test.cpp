#include "ompq/onnx_io/sub_graph_writer.h"

#include <memory>
#include <set>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ompq::onnx_io {
namespace {

using graph::Graph;
using graph::Node;
using graph::ValueId;
using ::testing::ElementsAre;

template <typename List>
std::vector<std::string> names_in(const List& list) {
  std::vector<std::string> names;
  for (const auto& item : list) names.push_back(item.name());
  return names;
}

std::vector<std::string> operands(const onnx::NodeProto& node) {
  return {node.input().begin(), node.input().end()};
}

/// A branch that captures h: q = h * v + v, with a constant that nothing reads.
Graph branch_of_if() {
  Graph inside;
  inside.name = "yes";
  const ValueId h = inside.add_open_input("h");
  const ValueId v = inside.add_constant("v", Tensor::scalar(3.0F));
  inside.add_constant("unused", Tensor::scalar(4.0F));
  const ValueId p = inside.add_op({"mul", "Mul", "", {h, v}, {}, {{"ompq_note", std::int64_t{1}}}});
  inside.mark_output(inside.add_op({"add", "Add", "", {p, v}, {}, {}}));
  return inside;
}

const Node kIf{.name = "choice", .op_type = "If"};

TEST(SubGraphWriter, WritesNodesAndTheConstantsThatTheyRead) {
  SubGraphWriter writer({"h_outside"}, /*compact=*/false);
  const onnx::GraphProto proto = writer.write(kIf, branch_of_if(), {"h_outside"});
  EXPECT_EQ(proto.name(), "yes");
  EXPECT_EQ(proto.input_size(), 0) << "a branch takes only captured values";
  EXPECT_THAT(names_in(proto.initializer()), ElementsAre("v"));
  EXPECT_THAT(names_in(proto.node()), ElementsAre("mul", "add"));
  EXPECT_THAT(operands(proto.node(0)), ElementsAre("h_outside", "v"));
  EXPECT_THAT(operands(proto.node(1)), ElementsAre(proto.node(0).output(0), "v"));
  EXPECT_THAT(names_in(proto.output()), ElementsAre(proto.node(1).output(0)));
  EXPECT_EQ(proto.node(0).attribute_size(), 0) << "notes are not written";
}

TEST(SubGraphWriter, UsesNoNameTwice) {
  for (const bool compact : {false, true}) {
    const std::set<std::string> outside{"v", "mul_output", "_0", "_1"};
    SubGraphWriter writer(outside, compact);
    std::multiset<std::string> names(outside.begin(), outside.end());
    for (int branch = 0; branch < 2; ++branch) {
      const onnx::GraphProto proto = writer.write(kIf, branch_of_if(), {"v"});
      for (const auto& tensor : proto.initializer()) names.insert(tensor.name());
      for (const auto& node : proto.node()) names.insert(node.output(0));
    }
    EXPECT_EQ(names.size(), outside.size() + 2 * 3);
    for (const std::string& name : names) EXPECT_EQ(names.count(name), 1U) << name;
  }
}

TEST(SubGraphWriter, WritesShortNamesIfCompact) {
  SubGraphWriter writer({}, /*compact=*/true);
  const onnx::GraphProto proto = writer.write(kIf, branch_of_if(), {"h"});
  EXPECT_THAT(names_in(proto.initializer()), ElementsAre(::testing::StartsWith("_")));
  EXPECT_EQ(proto.node(0).name(), "mul") << "nodes keep their names";
}

TEST(SubGraphWriter, CopiesACapturedValueThatIsAnOutput) {
  Graph inside;
  inside.mark_output(inside.add_open_input("h"));
  SubGraphWriter writer({"h"}, /*compact=*/false);
  const onnx::GraphProto proto = writer.write(kIf, inside, {"h"});
  ASSERT_EQ(proto.node_size(), 1);
  EXPECT_EQ(proto.node(0).op_type(), "Identity");
  EXPECT_THAT(operands(proto.node(0)), ElementsAre("h"));
  EXPECT_NE(proto.node(0).output(0), "h");
  EXPECT_EQ(proto.output(0).name(), proto.node(0).output(0));
}

TEST(SubGraphWriter, DeclaresTheCountAndTheConditionOfALoop) {
  Graph body;
  const ValueId i = body.add_open_input("i");
  const ValueId go = body.add_open_input("go");
  const ValueId state = body.add_open_input("state");
  body.mark_output(go);
  body.mark_output(body.add_op({"add", "Add", "", {state, i}, {}, {}}));
  SubGraphWriter writer({}, /*compact=*/false);
  const onnx::GraphProto proto = writer.write({.name = "loop", .op_type = "Loop"}, body, {});
  ASSERT_EQ(proto.input_size(), 3);
  EXPECT_EQ(proto.input(0).type().tensor_type().elem_type(), onnx::TensorProto::INT64);
  EXPECT_EQ(proto.input(1).type().tensor_type().elem_type(), onnx::TensorProto::BOOL);
  EXPECT_TRUE(proto.input(0).type().tensor_type().has_shape()) << "a scalar";
  EXPECT_FALSE(proto.input(2).has_type());
}

TEST(SubGraphWriter, PassesCapturedValuesOnToDeeperNetworks) {
  auto deeper = std::make_shared<Graph>();
  deeper->mark_output(deeper->add_op({"neg", "Neg", "", {deeper->add_open_input("h")}, {}, {}}));
  Graph inside;
  const ValueId c = inside.add_open_input("c");
  const ValueId h = inside.add_open_input("h");
  inside.mark_output(inside.add_op({"deeper",
                                    "If",
                                    "",
                                    {c, h},
                                    {},
                                    {{"then_branch", graph::SubGraph(deeper)},
                                     {std::string(graph::kCapturesNote), std::int64_t{1}}}}));
  SubGraphWriter writer({"outer_c", "outer_h"}, /*compact=*/false);
  const onnx::GraphProto proto = writer.write(kIf, inside, {"outer_c", "outer_h"});
  EXPECT_THAT(operands(proto.node(0)), ElementsAre("outer_c"));
  ASSERT_EQ(proto.node(0).attribute_size(), 1);
  EXPECT_THAT(operands(proto.node(0).attribute(0).g().node(0)), ElementsAre("outer_h"));
}

}  // namespace
}  // namespace ompq::onnx_io
