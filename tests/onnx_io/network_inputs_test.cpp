#include "ompq/onnx_io/network_inputs.h"

#include <map>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ompq/core/error.h"
#include "ompq/onnx_io/importer.h"
#include "onnx_io/model_text.h"

namespace ompq::onnx_io {
namespace {

using graph::Dim;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::model_with_graph;
using testing::sound_model;
using testing::tensor_type;

/// The shape of the input of a network that declares it so.
graph::Shape imported_shape(const std::string& dims, const ImportOptions& options = {}) {
  onnx::ModelProto model = sound_model();
  *model.mutable_graph()->mutable_input(0) =
      model_with_graph("input { name: \"x\" " + tensor_type(dims) + " }").graph().input(0);
  const graph::Graph graph = import_onnx_bytes(model.SerializeAsString(), {}, options);
  return graph.value(graph.inputs().at(0)).shape.value();
}

TEST(NetworkInputs, TakesAnOpenFirstExtentAsTheBatch) {
  for (const char* open : {R"(dim_param: "batch")", "", "dim_value: 0", "dim_value: -1"}) {
    EXPECT_EQ(imported_shape("dim { " + std::string(open) + " } dim { dim_value: 2 }"),
              (graph::Shape{Dim::batch(), Dim::fixed(2)}))
        << open;
  }
}

TEST(NetworkInputs, LeavesAFixedBatchFixedUnlessTold) {
  const std::string dims = "dim { dim_value: 1 } dim { dim_value: 2 }";
  EXPECT_EQ(imported_shape(dims), graph::fixed_shape({1, 2}));
  EXPECT_EQ(imported_shape(dims, {.input_shapes = {{"x", {-1, 2}}}}),
            (graph::Shape{Dim::batch(), Dim::fixed(2)}));
  EXPECT_EQ(imported_shape(dims, {.input_shapes = {{"x", {4, 2}}}}), graph::fixed_shape({4, 2}));
}

TEST(NetworkInputs, AsksForExtentsThatItCannotKnow) {
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
    (void)import_onnx_bytes(model.SerializeAsString());
  } catch (const ImportError& error) {
    return error.what();
  }
  return "nothing was thrown";
}

TEST(NetworkInputs, GivesAnExampleThatFitsTheInput) {
  EXPECT_THAT(open_refusal("dim { } dim { }", onnx::TensorProto::INT64),
              HasSubstr("--input-shape x=-1,128"));
  EXPECT_THAT(open_refusal("dim { dim_value: 2 } dim { } dim { dim_value: 80 }"),
              HasSubstr("--input-shape x=2,128,80"));
  EXPECT_THAT(open_refusal("dim { } dim { } dim { } dim { dim_value: 3 }"),
              HasSubstr("--input-shape x=-1,224,224,3"));
  EXPECT_THAT(open_refusal("dim { } dim { } dim { } dim { }"),
              HasSubstr("--input-shape x=-1,3,224,224"));
}

TEST(NetworkInputs, TakesOpenExtentsFromTheSamples) {
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

TEST(NetworkInputs, AsksNoSamplesWhereNothingIsOpen) {
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
    (void)import_onnx_bytes(
        sound_model().SerializeAsString(), {}, {.input_shapes = std::move(shapes)});
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "nothing was thrown";
}

TEST(NetworkInputs, RefusesGivenShapesThatDoNotFit) {
  EXPECT_THAT(shape_refusal({{"image", {1, 2}}}),
              HasSubstr("'image', but the model's inputs are x"));
  EXPECT_THAT(shape_refusal({{"x", {1, 2, 3}}}), HasSubstr("does not fit [?, 2]"));
  EXPECT_THAT(shape_refusal({{"x", {1, 5}}}), HasSubstr("does not fit [?, 2]"));
  EXPECT_THAT(shape_refusal({{"x", {1, -1}}}), HasSubstr("has -1 at position 1"));
  EXPECT_THAT(shape_refusal({{"x", {0, 2}}}), HasSubstr("has 0 at position 0"));
}

TEST(NetworkInputs, AskSamplesWhetherAFirstExtentIsABatch) {
  // An open first extent next to an input of one sample may be a sequence length.
  const onnx::GraphProto graph =
      model_with_graph("input { name: \"x\" " + tensor_type("dim { } dim { dim_value: 4 }") +
                       " } input { name: \"rate\" " + tensor_type("dim { dim_value: 1 }") + " }")
          .graph();
  ImportOptions options;
  options.sample_extents = [](const std::vector<DeclaredInput>& inputs) {
    EXPECT_EQ(inputs.size(), 2U);
    return SampleExtents{{"x", {50, 4}}};
  };
  const ImportOptions known = with_sample_extents(graph, options, {.name = "net.onnx"});
  EXPECT_THAT(known.input_shapes.at("x"), ElementsAre(50, 4));
  EXPECT_FALSE(known.input_shapes.contains("rate"));
}

TEST(IsOfOneSample, NeedsFixedExtentsWithABatchOfOne) {
  EXPECT_TRUE(is_of_one_sample({.name = "x", .extents = {1, 3}}));
  EXPECT_TRUE(is_of_one_sample({.name = "x", .extents = {1}}));
  EXPECT_FALSE(is_of_one_sample({.name = "x", .extents = {2, 3}}));
  EXPECT_FALSE(is_of_one_sample({.name = "x", .extents = {1, -1}}));
  EXPECT_FALSE(is_of_one_sample({.name = "x", .extents = {}}));
}

TEST(BatchAxisOf, IsTheOneWithTheSymbolOfOtherInputs) {
  const onnx::GraphProto graph =
      model_with_graph(
          "input { name: \"x\" " +
          tensor_type(R"(dim { dim_param: "batch" } dim { dim_value: 8 })") +
          " } input { name: \"state\" " +
          tensor_type(R"(dim { dim_value: 2 } dim { dim_param: "batch" } dim { dim_value: 4 })") +
          " } input { name: \"other\" " +
          tensor_type(R"(dim { dim_value: 2 } dim { dim_param: "length" })") +
          " } input { name: \"fixed\" " + tensor_type("dim { dim_value: 2 }") + " }")
          .graph();
  EXPECT_EQ(batch_axis_of(graph.input(0), graph), 0U);
  EXPECT_EQ(batch_axis_of(graph.input(1), graph), 1U);
  EXPECT_EQ(batch_axis_of(graph.input(2), graph), 0U);
  EXPECT_EQ(batch_axis_of(graph.input(3), graph), 0U);
}

onnx::ValueInfoProto value_info(const std::string& type) {
  return model_with_graph("input { name: \"x\" " + type + " }").graph().input(0);
}

TEST(ReadInput, WidensTheTypeAndMakesTheBatchOpen) {
  const onnx::ValueInfoProto info = value_info(
      tensor_type("dim { dim_value: 2 } dim { dim_param: \"batch\" } dim { dim_value: 4 }", 10));
  const InputDeclaration input = read_input(info, {}, {.name = "net.onnx"}, 1);
  EXPECT_EQ(input.type, DataType::Float32);
  EXPECT_EQ(input.shape, (graph::Shape{Dim::fixed(2), Dim::batch(), Dim::fixed(4)}));
}

TEST(ReadDeclaration, KeepsWhatTheFileSays) {
  const graph::Declaration declared = read_declaration(
      value_info(tensor_type(
          "dim { dim_param: \"batch\" } dim { dim_value: 3 } dim { } dim { dim_value: -1 }", 10)),
      "input",
      {.name = "net.onnx"});
  EXPECT_EQ(declared.name, "x");
  EXPECT_EQ(declared.type, DataType::Float16);
  ASSERT_TRUE(declared.shape);
  ASSERT_EQ(declared.shape->size(), 4U);
  EXPECT_EQ(declared.shape->at(0).name, "batch");
  EXPECT_EQ(declared.shape->at(1).size, 3);
  EXPECT_TRUE(declared.shape->at(2).is_open());
  EXPECT_EQ(declared.shape->at(3).size, -1);
  EXPECT_TRUE(declared.shape->at(3).is_open());
}

TEST(ReadDeclaration, KnowsAMissingShapeFromAScalar) {
  const ModelPlace place{.name = "net.onnx"};
  EXPECT_FALSE(
      read_declaration(value_info("type { tensor_type { elem_type: 1 } }"), "input", place).shape);
  EXPECT_TRUE(read_declaration(value_info(tensor_type("")), "input", place).shape->empty());
}

TEST(ReadDeclaration, NamesWhatIsNotATensorOfASupportedType) {
  const auto refusal_of = [](const std::string& type) {
    try {
      (void)read_declaration(value_info(type), "output", {.name = "net.onnx"});
    } catch (const ImportError& error) {
      return std::string(error.what());
    }
    return std::string("nothing was thrown");
  };
  EXPECT_THAT(refusal_of("type { sequence_type { } }"),
              AllOf(HasSubstr("[net.onnx] output 'x' is not a tensor"), HasSubstr("sequence")));
  EXPECT_THAT(refusal_of(tensor_type("", 8)), HasSubstr("output 'x' has elements of string"));
}

TEST(ReadOutput, HasAShapeOnlyIfEveryExtentIsKnown) {
  const auto shape_of_output = [](const std::string& dims) {
    return read_output(value_info(tensor_type(dims, 11)), {"batch"}, {.name = "net.onnx"}).shape;
  };
  EXPECT_EQ(shape_of_output("dim { dim_param: \"batch\" } dim { dim_value: 3 }"),
            (graph::Shape{Dim::batch(), Dim::fixed(3)}));
  EXPECT_EQ(shape_of_output("dim { dim_param: \"other\" } dim { dim_value: 3 }"), std::nullopt);
  EXPECT_EQ(shape_of_output("dim { } dim { dim_value: 3 }"), std::nullopt);
  EXPECT_EQ(shape_of_output("dim { dim_value: 0 }"), std::nullopt);
  const graph::Value value = read_output(value_info(tensor_type("", 11)), {}, {.name = "net.onnx"});
  EXPECT_EQ(value.type, DataType::Float32) << "widened";
  EXPECT_EQ(value.shape, graph::Shape{});
}

}  // namespace
}  // namespace ompq::onnx_io
