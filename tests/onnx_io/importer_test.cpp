#include "ompq/onnx_io/importer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ompq/core/error.h"
#include "ompq/onnx_io/exporter.h"
#include "ompq/onnx_io/unread_attribute.h"
#include "onnx_io/model_text.h"
#include "support/graph_builder.h"

namespace ompq::onnx_io {
namespace {

using graph::Dim;
using graph::Graph;
using graph::Node;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::model_with_graph;
using testing::sound_model;
using testing::tensor_type;

Graph import(const onnx::ModelProto& model, const ImportOptions& options = {}) {
  return import_onnx_bytes(model.SerializeAsString(), {}, options);
}

const Tensor& constant(const Graph& graph, const std::string& name) {
  return graph.value(graph.find_value(name)).constant.value();
}

TEST(Import, ReadsNodesConstantsInputsAndOutputs) {
  const Graph graph = import(sound_model());
  EXPECT_EQ(graph.name, "net");
  EXPECT_EQ(graph.opset, 13);
  ASSERT_EQ(graph.nodes().size(), 1U);
  EXPECT_EQ(graph.nodes()[0].op_type, "Gemm");
  EXPECT_EQ(graph.value(graph.inputs().at(0)).shape, (graph::Shape{Dim::batch(), Dim::fixed(2)}));
  EXPECT_EQ(graph.value(graph.outputs().at(0)).shape, (graph::Shape{Dim::batch(), Dim::fixed(3)}));
  EXPECT_THAT(constant(graph, "w").to_floats(), ElementsAre(1, 2, 3, 4, 5, 6));
}

TEST(Import, WidensHalfFloatsOfAWholeNetworkAlike) {
  const Graph graph = import(model_with_graph(R"(
      input { name: "x" )" + tensor_type("dim { dim_value: 1 }", 10) +
                                              R"( }
      output { name: "y" )" + tensor_type("dim { dim_value: 1 }", 10) +
                                              R"( }
      node { name: "c" op_type: "Constant" output: "c"
             attribute { name: "value" type: TENSOR t { data_type: 10 dims: 1 raw_data: "\000\074" } } }
      node { name: "fill" op_type: "ConstantOfShape" input: "s" output: "f"
             attribute { name: "value" type: TENSOR t { data_type: 10 dims: 1 raw_data: "\000\100" } } }
      node { name: "cast" op_type: "Cast" input: "x" output: "z"
             attribute { name: "to" type: INT i: 10 } }
      node { name: "keep" op_type: "Cast" input: "x" output: "k"
             attribute { name: "to" type: INT i: 7 } }
      node { name: "add" op_type: "Add" input: "z" input: "c" output: "y" }
      initializer { name: "s" data_type: 7 dims: 1 int64_data: 1 })"));
  EXPECT_EQ(graph.value(graph.inputs().at(0)).type, DataType::Float32);
  EXPECT_EQ(graph.value(graph.outputs().at(0)).type, DataType::Float32);
  EXPECT_THAT(constant(graph, "c").data<float>(), ElementsAre(1.0F));
  EXPECT_EQ(testing::node_named(graph, "cast").int_attribute("to", 0), 1);
  EXPECT_EQ(testing::node_named(graph, "keep").int_attribute("to", 0), 7);
  const Node& fill = testing::node_named(graph, "fill");
  EXPECT_THAT(std::get<Tensor>(fill.attributes.at("value")).data<float>(), ElementsAre(2.0F));
}

/// The value of a Constant node with this attribute.
Tensor import_constant(const std::string& attribute) {
  const Graph graph = import(model_with_graph(R"(
      output { name: "y" )" + tensor_type("") +
                                              R"( }
      node { name: "k" op_type: "Constant" output: "c" attribute { )" +
                                              attribute + R"( } }
      node { op_type: "Identity" input: "c" output: "y" })"));
  EXPECT_EQ(graph.nodes().size(), 1U);
  return constant(graph, "c");
}

TEST(Import, ReadsConstantNodesInEveryDenseForm) {
  EXPECT_TRUE(
      import_constant(R"(name: "value_float" type: FLOAT f: 2.5)").equals(Tensor::scalar(2.5F)));
  EXPECT_TRUE(import_constant(R"(name: "value_int" type: INT i: -4)")
                  .equals(Tensor::scalar(std::int64_t{-4})));
  EXPECT_TRUE(import_constant(R"(name: "value_floats" type: FLOATS floats: [1, 2])")
                  .equals(Tensor::from<float>({2}, {1, 2})));
  EXPECT_TRUE(import_constant(R"(name: "value_ints" type: INTS ints: [3])")
                  .equals(Tensor::from<std::int64_t>({1}, {3})));
  EXPECT_TRUE(
      import_constant(R"(name: "value" type: TENSOR t { data_type: 2 dims: 2 int32_data: [8, 9] })")
          .equals(Tensor::from<std::uint8_t>({2}, {8, 9})));
}

TEST(Import, RefusesConstantNodesThatAreNotDenseNumbers) {
  for (const char* attribute : {R"(name: "sparse_value" type: SPARSE_TENSOR)",
                                R"(name: "value_string" type: STRING s: "a")"}) {
    try {
      (void)import_constant(attribute);
      FAIL() << attribute;
    } catch (const ImportError& error) {
      EXPECT_THAT(error.what(), HasSubstr("Constant node 'k'"));
      EXPECT_THAT(error.what(), HasSubstr("dense numeric values"));
    }
  }
}

TEST(Import, ReadsInitializersThatOldFilesRepeatAmongTheInputs) {
  onnx::ModelProto model = sound_model();
  model.set_ir_version(3);
  auto* weight = model.mutable_graph()->add_input();
  *weight = model.graph().input(0);
  weight->set_name("w");
  const Graph graph = import(model);
  EXPECT_EQ(graph.inputs().size(), 1U);
  EXPECT_TRUE(graph.is_constant(graph.find_value("w")));
}

TEST(Import, KeepsMetadata) {
  onnx::ModelProto model = sound_model();
  auto* entry = model.add_metadata_props();
  entry->set_key("mean");
  entry->set_value("0.5");
  EXPECT_THAT(import(model).metadata,
              ElementsAre(std::pair<const std::string, std::string>("mean", "0.5")));
}

TEST(Import, KeepsANodeWithAnUnreadSubNetworkForTheOperatorCheck) {
  const Graph graph = import(model_with_graph(R"(
      input { name: "c" )" + tensor_type("", 9) +
                                              R"( }
      output { name: "y" )" + tensor_type("") +
                                              R"( }
      node { name: "each" op_type: "SequenceMap" input: "c" output: "y"
             attribute { name: "body" type: GRAPH g { name: "a" } } })"));
  EXPECT_EQ(graph.nodes().at(0).string_attribute("body", ""), kUnreadAttribute);
  EXPECT_THROW((void)export_onnx_bytes(graph), UnsupportedOp);
}

/// A network with a constant `labels` of text, which `reader` may read.
onnx::ModelProto model_with_text(const std::string& text, const std::string& reader) {
  return model_with_graph(R"(
      input { name: "x" )" +
                          tensor_type("dim { dim_value: 1 }") +
                          R"( }
      output { name: "y" )" +
                          tensor_type("") +
                          R"( }
      node { name: "relu" op_type: "Relu" input: "x" output: "y" })" +
                          text + reader);
}

TEST(Import, LeavesOutTextThatNothingRunningReads) {
  const std::string dead = R"(node { name: "dead" op_type: "Identity" input: "labels" output: "z" }
                              node { name: "deader" op_type: "Identity" input: "z" output: "zz" })";
  for (const std::string text :
       {R"(initializer { name: "labels" data_type: 8 dims: 2 string_data: ["cat", "dog"] })",
        R"(node { op_type: "Constant" output: "labels"
                  attribute { name: "value_strings" type: STRINGS strings: ["cat"] } })",
        R"(node { op_type: "Constant" output: "labels"
                  attribute { name: "value" type: TENSOR t { data_type: 8 string_data: "cat" } } })"}) {
    for (const std::string& reader : {std::string(), dead}) {
      const Graph graph = import(model_with_text(text, reader));
      ASSERT_EQ(graph.nodes().size(), 1U) << text;
      EXPECT_EQ(graph.nodes()[0].name, "relu");
    }
  }
}

TEST(Import, SortsNodes) {
  const Graph graph = import(model_with_graph(R"(
      input { name: "x" )" + tensor_type("dim { dim_value: 1 }") +
                                              R"( }
      output { name: "y" )" + tensor_type("") +
                                              R"( }
      node { name: "second" op_type: "Relu" input: "a" output: "y" }
      node { name: "first" op_type: "Relu" input: "x" output: "a" })"));
  EXPECT_EQ(graph.nodes().at(0).name, "first");
  EXPECT_EQ(graph.nodes().at(1).name, "second");
}

TEST(Import, ReadsTheOnnxDomainUnderBothItsNames) {
  onnx::ModelProto model = sound_model();
  model.mutable_opset_import(0)->set_domain("ai.onnx");
  model.mutable_graph()->mutable_node(0)->set_domain("ai.onnx");
  auto* other = model.add_opset_import();
  other->set_domain("com.microsoft");
  other->set_version(1);
  const Graph graph = import(model);
  EXPECT_EQ(graph.opset, 13);
  EXPECT_EQ(graph.nodes().at(0).domain, "");
}

}  // namespace
}  // namespace ompq::onnx_io
