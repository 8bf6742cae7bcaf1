#include "ompq/onnx_io/importer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ompq/core/error.h"
#include "ompq/core/half.h"
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

/// A network that returns the initializer `t` of this text, as its only constant.
Graph import_tensor(const std::string& tensor) {
  return import(model_with_graph(R"(
      output { name: "y" )" + tensor_type("") +
                                 R"( }
      initializer { name: "t" )" +
                                 tensor + R"( }
      node { op_type: "Identity" input: "t" output: "y" })"));
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

struct TypedField {
  int onnx_type;
  DataType type;
  std::string field;
};

TEST(Import, ReadsEveryElementTypeFromItsField) {
  const std::vector<TypedField> fields{{1, DataType::Float32, "float_data: [1, 0, 3]"},
                                       {11, DataType::Float32, "double_data: [1, 0, 3]"},
                                       {3, DataType::Int8, "int32_data: [1, 0, 3]"},
                                       {2, DataType::UInt8, "int32_data: [1, 0, 3]"},
                                       {5, DataType::Int16, "int32_data: [1, 0, 3]"},
                                       {4, DataType::UInt16, "int32_data: [1, 0, 3]"},
                                       {6, DataType::Int32, "int32_data: [1, 0, 3]"},
                                       {12, DataType::UInt32, "uint64_data: [1, 0, 3]"},
                                       {7, DataType::Int64, "int64_data: [1, 0, 3]"},
                                       {13, DataType::UInt64, "uint64_data: [1, 0, 3]"}};
  for (const TypedField& row : fields) {
    const Graph graph =
        import_tensor("dims: 3 data_type: " + std::to_string(row.onnx_type) + " " + row.field);
    EXPECT_EQ(constant(graph, "t").type(), row.type);
    EXPECT_THAT(constant(graph, "t").to_floats(), ElementsAre(1, 0, 3)) << name_of(row.type);
  }
  const Graph truths = import_tensor("dims: 3 data_type: 9 int32_data: [1, 0, 7]");
  EXPECT_THAT(constant(truths, "t").data<bool>(), ElementsAre(true, false, true));
}

TEST(Import, ReadsRawBytes) {
  const Graph floats =
      import_tensor(R"(dims: 2 data_type: 1 raw_data: "\000\000\200\077\000\000\000\300")");
  EXPECT_THAT(constant(floats, "t").data<float>(), ElementsAre(1.0F, -2.0F));
  const Graph truths = import_tensor(R"(dims: 2 data_type: 9 raw_data: "\377\000")");
  EXPECT_THAT(constant(truths, "t").data<bool>(), ElementsAre(true, false));
  const Graph empty = import_tensor(R"(dims: 0 data_type: 7 raw_data: "")");
  EXPECT_EQ(constant(empty, "t").elements(), 0);
}

TEST(Import, WidensHalfFloatsOfEveryKind) {
  const std::string half = std::to_string(float_to_half(-1.5F));
  const std::string bfloat = std::to_string(float_to_bfloat16(-1.5F));
  for (const std::string& tensor :
       {"data_type: 10 int32_data: " + half, "data_type: 16 int32_data: " + bfloat}) {
    const Graph graph = import_tensor("dims: 1 " + tensor);
    EXPECT_THAT(constant(graph, "t").data<float>(), ElementsAre(-1.5F)) << tensor;
  }
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

/// The shape of the input of a network that declares it so.
graph::Shape imported_shape(const std::string& dims, const ImportOptions& options = {}) {
  onnx::ModelProto model = sound_model();
  *model.mutable_graph()->mutable_input(0) =
      model_with_graph("input { name: \"x\" " + tensor_type(dims) + " }").graph().input(0);
  const Graph graph = import(model, options);
  return graph.value(graph.inputs().at(0)).shape.value();
}

TEST(Import, TakesAnOpenFirstExtentAsTheBatch) {
  for (const char* open : {R"(dim_param: "batch")", "", "dim_value: 0", "dim_value: -1"}) {
    EXPECT_EQ(imported_shape("dim { " + std::string(open) + " } dim { dim_value: 2 }"),
              (graph::Shape{Dim::batch(), Dim::fixed(2)}))
        << open;
  }
}

TEST(Import, LeavesAFixedBatchFixedUnlessTold) {
  const std::string dims = "dim { dim_value: 1 } dim { dim_value: 2 }";
  EXPECT_EQ(imported_shape(dims), graph::fixed_shape({1, 2}));
  EXPECT_EQ(imported_shape(dims, {.input_shapes = {{"x", {-1, 2}}}}),
            (graph::Shape{Dim::batch(), Dim::fixed(2)}));
  EXPECT_EQ(imported_shape(dims, {.input_shapes = {{"x", {4, 2}}}}), graph::fixed_shape({4, 2}));
}

TEST(Import, AsksForExtentsThatItCannotKnow) {
  const std::string dims =
      R"(dim { dim_param: "N" } dim { dim_value: 3 } dim { dim_param: "h" } dim { })";
  try {
    (void)imported_shape(dims);
    FAIL() << "nothing was thrown";
  } catch (const ImportError& error) {
    EXPECT_THAT(error.what(), HasSubstr("input 'x' (float32) has shape [?, 3, ?, ?]"));
    EXPECT_THAT(error.what(), HasSubstr("--input-shape x=-1,3,224,224"));
  }
  EXPECT_EQ(imported_shape(dims, {.input_shapes = {{"x", {-1, 3, 32, 48}}}}),
            (graph::Shape{Dim::batch(), Dim::fixed(3), Dim::fixed(32), Dim::fixed(48)}));
}

/// What is said of an input x with these extents, of elements of this type.
std::string open_refusal(const std::string& dims, int type = onnx::TensorProto::FLOAT) {
  onnx::ModelProto model =
      model_with_graph("input { name: \"x\" " + tensor_type(dims) + " } output { name: \"x\" }");
  auto* declared = model.mutable_graph()->mutable_input(0)->mutable_type()->mutable_tensor_type();
  declared->set_elem_type(type);
  try {
    (void)import(model);
  } catch (const ImportError& error) {
    return error.what();
  }
  return "nothing was thrown";
}

TEST(Import, GivesAnExampleThatFitsTheInput) {
  EXPECT_THAT(open_refusal("dim { } dim { }", onnx::TensorProto::INT64),
              HasSubstr("--input-shape x=-1,128"));
  EXPECT_THAT(open_refusal("dim { dim_value: 2 } dim { } dim { dim_value: 80 }"),
              HasSubstr("--input-shape x=2,128,80"));
  EXPECT_THAT(open_refusal("dim { } dim { } dim { } dim { dim_value: 3 }"),
              HasSubstr("--input-shape x=-1,224,224,3"));
  EXPECT_THAT(open_refusal("dim { } dim { } dim { } dim { }"),
              HasSubstr("--input-shape x=-1,3,224,224"));
}

TEST(Import, TakesOpenExtentsFromTheSamples) {
  const std::string dims = R"(dim { dim_param: "N" } dim { dim_value: 3 } dim { } dim { })";
  int asked = 0;
  ImportOptions options;
  options.sample_extents = [&](const std::vector<DeclaredInput>& inputs) {
    ++asked;
    EXPECT_EQ(inputs.at(0).name, "x");
    EXPECT_THAT(inputs.at(0).extents, ElementsAre(-1, 3, -1, -1));
    return SampleExtents{{"x", {3, 20, 30}}};
  };
  EXPECT_EQ(imported_shape(dims, options),
            (graph::Shape{Dim::batch(), Dim::fixed(3), Dim::fixed(20), Dim::fixed(30)}));
  EXPECT_EQ(asked, 1);
  EXPECT_EQ(imported_shape("dim { dim_value: 1 } dim { }",
                           {.sample_extents =
                                [](const auto&) {
                                  return SampleExtents{{"x", {7}}};
                                }}),
            graph::fixed_shape({1, 7}));
}

TEST(Import, AsksNoSamplesWhereNothingIsOpen) {
  ImportOptions options;
  options.sample_extents = [](const std::vector<DeclaredInput>&) -> SampleExtents {
    throw DataError("samples", "were opened");
  };
  EXPECT_NO_THROW((void)imported_shape("dim { } dim { dim_value: 2 }", options));
  options.input_shapes = {{"x", {-1, 5}}};
  EXPECT_NO_THROW((void)imported_shape("dim { } dim { }", options));
  options.input_shapes.clear();
  EXPECT_THROW((void)imported_shape("dim { } dim { }", options), DataError);
}

std::string shape_refusal(std::map<std::string, std::vector<std::int64_t>> shapes) {
  try {
    (void)import(sound_model(), {.input_shapes = std::move(shapes)});
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "nothing was thrown";
}

TEST(Import, RefusesGivenShapesThatDoNotFit) {
  EXPECT_THAT(shape_refusal({{"image", {1, 2}}}),
              HasSubstr("'image', but the model's inputs are x"));
  EXPECT_THAT(shape_refusal({{"x", {1, 2, 3}}}), HasSubstr("does not fit [?, 2]"));
  EXPECT_THAT(shape_refusal({{"x", {1, 5}}}), HasSubstr("does not fit [?, 2]"));
  EXPECT_THAT(shape_refusal({{"x", {1, -1}}}), HasSubstr("has -1 at position 1"));
  EXPECT_THAT(shape_refusal({{"x", {0, 2}}}), HasSubstr("has 0 at position 0"));
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

TEST(Import, NamesNodesThatHaveNoNameAfterTheirWeight) {
  const Graph graph = import(model_with_graph(R"(
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
      node { op_type: "Relu" input: "f" output: "y" })"));
  std::vector<std::string> names;
  for (const Node& node : graph.nodes()) names.push_back(node.name);
  EXPECT_THAT(
      names,
      ElementsAre(
          "block.0.fc", "MatMul_0", "Relu_0", "Relu_1", "block.0.fc_1", "Relu_2", "Relu_2_1"));
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
