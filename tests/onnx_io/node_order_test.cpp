#include "ompq/onnx_io/node_order.h"

#include <algorithm>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ompq::onnx_io {
namespace {

using ::testing::ElementsAre;

onnx::NodeProto node(const std::string& type,
                     const std::vector<std::string>& inputs,
                     const std::vector<std::string>& outputs) {
  onnx::NodeProto node;
  node.set_op_type(type);
  for (const auto& input : inputs) node.add_input(input);
  for (const auto& output : outputs) node.add_output(output);
  return node;
}

/// x -> a -> b, c -> y, with a node that nobody needs.
std::vector<onnx::NodeProto> diamond() {
  return {node("Relu", {"x"}, {"a"}),
          node("Tanh", {"a"}, {"b"}),
          node("Sigmoid", {"a"}, {"c"}),
          node("Exp", {"a"}, {"unread"}),
          node("Add", {"b", "c"}, {"y"})};
}

onnx::GraphProto graph_of(const std::vector<onnx::NodeProto>& nodes) {
  onnx::GraphProto graph;
  for (const auto& each : nodes) *graph.add_node() = each;
  graph.add_output()->set_name("y");
  return graph;
}

std::vector<std::string> types_of(const std::vector<onnx::NodeProto>& nodes) {
  const onnx::GraphProto graph = graph_of(nodes);
  std::vector<std::string> types;
  for (const onnx::NodeProto* each : in_order_of_use(graph)) types.push_back(each->op_type());
  return types;
}

TEST(InOrderOfUse, ReadsEveryListingAlike) {
  std::vector<onnx::NodeProto> nodes = diamond();
  std::vector<std::size_t> order{0, 1, 2, 3, 4};
  do {
    std::vector<onnx::NodeProto> listed;
    for (const std::size_t i : order) listed.push_back(nodes[i]);
    EXPECT_THAT(types_of(listed), ElementsAre("Relu", "Tanh", "Sigmoid", "Add", "Exp"));
  } while (std::next_permutation(order.begin(), order.end()));
}

TEST(InOrderOfUse, LeavesNoNodeOutWhereThereIsACycle) {
  EXPECT_EQ(types_of({node("Add", {"y", "x"}, {"y"}), node("Relu", {"z"}, {"z"})}).size(), 2U);
}

TEST(InOrderOfUse, CountsWhatABranchReadsAsReadByItsNode) {
  onnx::NodeProto branch = node("If", {"condition"}, {"y"});
  onnx::AttributeProto* body = branch.add_attribute();
  body->set_name("then_branch");
  *body->mutable_g()->add_node() = node("Relu", {"outside"}, {"inside"});
  EXPECT_THAT(types_of({branch, node("Tanh", {"x"}, {"outside"})}), ElementsAre("Tanh", "If"));
}

}  // namespace
}  // namespace ompq::onnx_io
