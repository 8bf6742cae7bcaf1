#include "ompq/onnx_io/node_names.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ompq/onnx_io/importer.h"
#include "onnx_io/model_text.h"

namespace ompq::onnx_io {
namespace {

using graph::Graph;
using graph::Node;
using ::testing::ElementsAre;
using testing::model_with_graph;
using testing::tensor_type;

/// Names for a node that reads the constant `weight`.
std::string name_with_weight(NodeNames& names, const std::string& weight) {
  Graph graph;
  const auto w = graph.add_constant(weight, Tensor::scalar(1.0F));
  return names.name_for(graph, {.name = "", .op_type = "MatMul", .inputs = {graph::kNoValue, w}});
}

std::string plain_name(NodeNames& names, const std::string& type) {
  return names.name_for(Graph(), {.name = "", .op_type = type});
}

TEST(NodeNames, FollowTheWeight) {
  NodeNames names{onnx::GraphProto()};
  EXPECT_EQ(name_with_weight(names, "layer1.0.conv1.weight"), "layer1.0.conv1");
  EXPECT_EQ(name_with_weight(names, "head_weight"), "head");
  EXPECT_EQ(name_with_weight(names, "layer1.0.conv1.weight"), "layer1.0.conv1_1");
  EXPECT_EQ(name_with_weight(names, ".weight"), "MatMul_3") << "nothing is left of the name";
  EXPECT_EQ(name_with_weight(names, "onnx::MatMul_7"), "MatMul_4");
}

TEST(NodeNames, CountNodesOfEachOperatorFromZero) {
  NodeNames names{onnx::GraphProto()};
  EXPECT_EQ(plain_name(names, "Relu"), "Relu_0");
  EXPECT_EQ(plain_name(names, "Add"), "Add_0");
  EXPECT_EQ(plain_name(names, "Relu"), "Relu_1");
}

TEST(NodeNames, AvoidTheNamesInTheFile) {
  onnx::GraphProto file;
  for (const char* name : {"Relu_0", "Relu_0_1", "fc"}) file.add_node()->set_name(name);
  NodeNames names(file);
  EXPECT_EQ(plain_name(names, "Relu"), "Relu_0_2");
  EXPECT_EQ(name_with_weight(names, "fc.weight"), "fc_1");
}

TEST(NodeNames, NameTheNodesOfAnImportedNetwork) {
  const Graph graph = import_onnx_bytes(model_with_graph(R"(
      input { name: "x" )" + tensor_type("dim { dim_value: 1 } dim { dim_value: 1 }") +
                                                         R"( }
      output { name: "y" )" + tensor_type("") +
                                                         R"( }
      initializer { name: "block.0.fc.weight" data_type: 1 dims: 1 dims: 1 float_data: 1 }
      initializer { name: "onnx::MatMul_7" data_type: 1 dims: 1 dims: 1 float_data: 1 }
      node { op_type: "Gemm" input: "x" input: "block.0.fc.weight" output: "a" }
      node { op_type: "MatMul" input: "a" input: "onnx::MatMul_7" output: "b" }
      node { op_type: "Relu" input: "b" output: "c" }
      node { op_type: "Relu" input: "c" output: "d" }
      node { op_type: "Gemm" input: "d" input: "block.0.fc.weight" output: "e" }
      node { name: "Relu_2" op_type: "Relu" input: "e" output: "f" }
      node { op_type: "Relu" input: "f" output: "y" })")
                                            .SerializeAsString());
  std::vector<std::string> names;
  for (const Node& node : graph.nodes()) names.push_back(node.name);
  EXPECT_THAT(
      names,
      ElementsAre(
          "block.0.fc", "MatMul_0", "Relu_0", "Relu_1", "block.0.fc_1", "Relu_2", "Relu_2_1"));
}

}  // namespace
}  // namespace ompq::onnx_io
