#include "ompq/onnx_io/sub_networks.h"

#include <set>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ompq/core/error.h"
#include "ompq/onnx_io/exporter.h"
#include "ompq/onnx_io/importer.h"
#include "ompq/onnx_io/opset_upgrade.h"
#include "onnx_io/model_text.h"
#include "support/graph_difference.h"

namespace ompq::onnx_io {
namespace {

using graph::Graph;
using graph::Node;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

/// if c: x * w, else: nested (if c: x, else -x); w lies outside, v in the branch.
onnx::ModelProto choosing_model() {
  const std::string x = testing::tensor_type("dim { dim_value: 2 }");
  return testing::model_with_graph(R"(
      input { name: "x" )" + x + R"( }
      input { name: "c" )" + testing::tensor_type("", 9) +
                                   R"( }
      output { name: "y" )" + x + R"( }
      initializer { name: "w" data_type: 1 dims: 2 float_data: [1, 2] }
      node { name: "relu" op_type: "Relu" input: "x" output: "h" }
      node { name: "choice" op_type: "If" input: "c" output: "y"
        attribute { name: "then_branch" type: GRAPH g { name: "yes"
          initializer { name: "v" data_type: 1 dims: 2 float_data: [3, 4] }
          node { name: "mul" op_type: "Mul" input: "h" input: "w" output: "p" }
          node { name: "add" op_type: "Add" input: "p" input: "v" output: "q" }
          output { name: "q" } } }
        attribute { name: "else_branch" type: GRAPH g { name: "no"
          node { name: "deeper" op_type: "If" input: "c" output: "r"
            attribute { name: "then_branch" type: GRAPH g { name: "a"
              node { op_type: "Identity" input: "x" output: "s" } output { name: "s" } } }
            attribute { name: "else_branch" type: GRAPH g { name: "b"
              node { op_type: "Neg" input: "h" output: "t" } output { name: "t" } } } }
          output { name: "r" } } } })");
}

Graph import_nested(const onnx::ModelProto& model) {
  return import_onnx_bytes(model.SerializeAsString(), "net.onnx");
}

std::vector<std::string> names_of(const Graph& graph, const std::vector<graph::ValueId>& ids) {
  std::vector<std::string> names;
  for (const graph::ValueId id : ids) names.push_back(graph.value(id).name);
  return names;
}

TEST(SubNetworks, ListWhatTheyCaptureBehindTheNodesOwnOperands) {
  const Graph graph = import_nested(choosing_model());
  const Node& choice = graph.nodes().back();
  // In the order of the attributes in the file.
  EXPECT_THAT(names_of(graph, choice.inputs), ElementsAre("c", "h", "w", "c", "x"));
  EXPECT_EQ(choice.int_attribute(graph::kCapturesNote, 0), 4);
  const Graph* yes = choice.sub_graph("then_branch");
  ASSERT_NE(yes, nullptr);
  EXPECT_THAT(names_of(*yes, yes->inputs()), ElementsAre("h", "w", "c", "x"));
  EXPECT_THAT(names_of(*yes, yes->outputs()), ElementsAre("q"));
  EXPECT_EQ(yes->nodes().size(), 2U);
  const Graph* no = choice.sub_graph("else_branch");
  ASSERT_NE(no, nullptr);
  EXPECT_THAT(names_of(*no, no->nodes().at(0).inputs), ElementsAre("c", "x", "h"));
}

/// Names that the model's graphs make; each may appear once in all of them.
void collect_names(const onnx::GraphProto& graph, std::multiset<std::string>& names) {
  for (const auto& info : graph.input()) names.insert(info.name());
  for (const auto& tensor : graph.initializer()) names.insert(tensor.name());
  for (const auto& node : graph.node()) {
    names.insert(node.output().begin(), node.output().end());
    for (const auto& attribute : node.attribute()) {
      if (attribute.has_g()) collect_names(attribute.g(), names);
    }
  }
}

TEST(SubNetworks, ComeBackAsTheyWereWritten) {
  const Graph graph = import_nested(choosing_model());
  const std::string bytes = export_onnx_bytes(graph);
  // Attributes come in the order of their names, and captures with them.
  const Graph again = import_onnx_bytes(bytes);
  EXPECT_EQ(export_onnx_bytes(again), bytes);
  EXPECT_EQ(testing::difference(import_onnx_bytes(bytes), again), "");
  EXPECT_EQ(again.nodes().back().sub_graph("then_branch")->nodes().size(), 2U);
  onnx::ModelProto written;
  ASSERT_TRUE(written.ParseFromString(bytes));
  std::multiset<std::string> names;
  collect_names(written.graph(), names);
  for (const std::string& name : names) EXPECT_EQ(names.count(name), 1U) << name;
  for (const auto& node : written.graph().node()) {
    for (const auto& attribute : node.attribute()) {
      EXPECT_FALSE(attribute.name().starts_with(graph::kNotePrefix)) << attribute.name();
    }
  }
}

TEST(SubNetworks, FollowTheNetworkToANewerOpset) {
  onnx::ModelProto model = testing::model_with_graph(R"(
      input { name: "x" )" + testing::tensor_type("dim { dim_value: 2 }") +
                                                         R"( }
      input { name: "c" )" + testing::tensor_type("", 9) +
                                                         R"( }
      output { name: "y" )" + testing::tensor_type("") +
                                                         R"( }
      node { name: "choice" op_type: "If" input: "c" output: "y"
        attribute { name: "then_branch" type: GRAPH g { name: "yes"
          node { op_type: "Clip" input: "x" output: "p" attribute { name: "max" type: FLOAT f: 2 } }
          output { name: "p" } } }
        attribute { name: "else_branch" type: GRAPH g { name: "no"
          node { op_type: "Relu" input: "x" output: "q" } output { name: "q" } } } })",
                                                     10);
  const Graph renewed = upgraded(import_nested(model), 17);
  const Graph* yes = renewed.nodes().at(0).sub_graph("then_branch");
  ASSERT_NE(yes, nullptr);
  EXPECT_EQ(yes->opset, 17);
  EXPECT_EQ(yes->nodes().at(0).inputs.size(), 3U);
  EXPECT_FALSE(yes->nodes().at(0).has_attribute("max"));
}

TEST(SubNetworks, ThatReadWhatNothingMakesAreRefused) {
  onnx::ModelProto model = choosing_model();
  model.mutable_graph()->mutable_node(0)->set_output(0, "elsewhere");
  try {
    (void)import_nested(model);
    FAIL() << "nothing was thrown";
  } catch (const ImportError& error) {
    EXPECT_THAT(error.what(),
                HasSubstr("If node 'choice' reads 'h', which nothing in the model produces"));
  }
}

/// Node number `index` of choosing_model().
onnx::NodeProto node_at(int index) { return choosing_model().graph().node(index); }

TEST(CapturedNames, AreListedOnceInTheOrderOfTheirFirstUse) {
  EXPECT_THAT(captured_names(node_at(1)), ElementsAre("h", "w", "c", "x"));
  EXPECT_THAT(captured_names(node_at(0)), ::testing::IsEmpty());
}

TEST(CapturedNames, LeaveOutWhatTheSubNetworkDefines) {
  const onnx::ModelProto model = testing::model_with_graph(R"(
      node { op_type: "Loop" input: "count" output: "y"
        attribute { name: "body" type: GRAPH g {
          input { name: "i" } input { name: "go" } input { name: "state" }
          initializer { name: "one" data_type: 1 float_data: 1 }
          node { op_type: "Add" input: "state" input: "one" output: "next" }
          node { op_type: "Resize" input: "next" input: "" input: "scale" output: "big" }
          output { name: "go" } output { name: "big" } output { name: "outer" } } } })");
  EXPECT_THAT(captured_names(model.graph().node(0)), ElementsAre("scale", "outer"));
}

TEST(HasReadSubNetworks, HoldsForThreeOperatorsOfOnnx) {
  const auto holds = [](const char* type, const char* domain) {
    onnx::NodeProto node;
    node.set_op_type(type);
    node.set_domain(domain);
    return has_read_sub_networks(node);
  };
  for (const char* type : {"If", "Loop", "Scan"}) {
    EXPECT_TRUE(holds(type, "") && holds(type, "ai.onnx")) << type;
    EXPECT_FALSE(holds(type, "com.example")) << type;
  }
  EXPECT_FALSE(holds("SequenceMap", "") || holds("Conv", ""));
}

TEST(OwnOperands, CountTrailingOnesThatAreLeftOut) {
  EXPECT_EQ(own_operands(node_at(1)), 1) << "of an If, its condition";
  EXPECT_EQ(own_operands(node_at(0)), 1);
  const onnx::ModelProto model = testing::model_with_graph(R"(
      node { op_type: "Loop" input: "count" output: "y" attribute { name: "body" type: GRAPH g {
          input { name: "i" } input { name: "go" } } } }
      node { op_type: "Loop" input: "count" input: "" input: "s" input: "t" output: "y"
        attribute { name: "body" type: GRAPH g {
          input { name: "i" } input { name: "go" } input { name: "a" } input { name: "b" } } } })");
  EXPECT_EQ(own_operands(model.graph().node(0)), 2);
  EXPECT_EQ(own_operands(model.graph().node(1)), 4);
}

TEST(LiveNodes, AreThoseThatTheOutputsDependOn) {
  const onnx::ModelProto model = testing::model_with_graph(R"(
      output { name: "y" }
      node { op_type: "Neg" input: "x" output: "dead" }
      node { op_type: "Neg" input: "x" output: "captured" }
      node { op_type: "Neg" input: "dead" output: "deader" }
      node { op_type: "If" input: "c" output: "y"
        attribute { name: "then_branch" type: GRAPH g {
          node { op_type: "Neg" input: "captured" output: "p" } output { name: "p" } } }
        attribute { name: "else_branch" type: GRAPH g { output { name: "captured" } } } }
      node { op_type: "Not" input: "b" output: "c" })");
  EXPECT_THAT(live_nodes(model.graph()), ElementsAre(1, 3, 4));
}

}  // namespace
}  // namespace ompq::onnx_io
