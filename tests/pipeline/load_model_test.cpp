#include "ompq/pipeline/load_model.h"

#include <filesystem>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ompq/core/atomic_file.h"
#include "ompq/core/error.h"
#include "ompq/graph/passes.h"
#include "ompq/onnx_io/exporter.h"
#include "pipeline/small_model.h"
#include "support/paths.h"
#include "support/zoo.h"

namespace ompq::pipeline {
namespace {

using graph::Dim;
using graph::Graph;
using graph::ValueId;
using ::testing::AllOf;
using testing::GraphBuilder;
using ::testing::HasSubstr;
using ::testing::SizeIs;
using ::testing::ThrowsMessage;

TEST(LoadModel, CountsAndHashesExternalData) {
  const testing::TemporaryDirectory folder;
  const auto file = folder / "net.onnx";
  graph::Graph graph = small_model(32).graph;
  onnx_io::export_onnx(graph, file, {.max_model_bytes = 20'000});
  const Model before = load_model(file);
  const auto data_bytes = std::filesystem::file_size(onnx_io::data_file(file));
  EXPECT_EQ(before.file_bytes,
            static_cast<std::int64_t>(std::filesystem::file_size(file) + data_bytes));
  for (const auto& layer : graph::discover(graph).layers) {
    graph.mutable_value(layer.weight).constant->mutable_data<float>().front() += 1;
  }
  onnx_io::export_onnx(graph, file, {.max_model_bytes = 20'000});
  EXPECT_NE(load_model(file).sha256, before.sha256);
}

/// One weight in three layers, each of which reads it through its own copy of `between`.
Graph tied_network(const graph::Node& between) {
  GraphBuilder builder("tied");
  auto x = builder.input("x", {Dim::batch(), Dim::fixed(12)});
  const ValueId weight = builder.normal_constant("w", {12, 12}, 0.3);
  for (const std::string name : {"one", "two", "three"}) {
    graph::Node node = between;
    node.name = name + " between";
    node.inputs = {weight};
    const ValueId own = builder.op(node, {Dim::fixed(12), Dim::fixed(12)});
    x = builder.relu(name + " relu",
                     builder.op({name, "MatMul", "", {x, own}}, {Dim::batch(), Dim::fixed(12)}));
  }
  return builder.finish({x});
}

TEST(LoadModel, TiesLayersThatReadOneWeightThroughNodesOfTheirOwn) {
  const testing::TemporaryDirectory folder;
  for (const graph::Node& between : {graph::Node{.name = {}, .op_type = "Identity"},
                                     graph::Node{.name = {},
                                     .op_type = "Transpose",
                                     .attributes = {{"perm", std::vector<std::int64_t>{1, 0}}}}}) {
    onnx_io::export_onnx(
        tied_network(between), folder / "float.onnx", {.format = onnx_io::WeightFormat::Float});
    const Model model = load_model(folder / "float.onnx");
    ASSERT_THAT(model.discovery.layers, SizeIs(3)) << between.op_type;
    for (const graph::Layer& layer : model.discovery.layers) {
      EXPECT_EQ(layer.weight, model.discovery.layers.front().weight) << between.op_type;
    }
  }
}

Graph small_resnet() {
  return testing::zoo::resnet18({.image_size = 32, .classes = 10, .width = 0.125});
}

bool has_norms(const Graph& graph) {
  for (const graph::Node& node : graph.nodes()) {
    if (node.is("BatchNormalization")) return true;
  }
  return false;
}

TEST(LoadModel, FoldsNormsAndFindsLayersAndHashesTheFile) {
  const testing::TemporaryDirectory folder;
  const auto file = folder / "net.onnx";
  onnx_io::export_onnx(small_resnet(), file, {.format = onnx_io::WeightFormat::Float});
  const Model model = load_model(file);
  EXPECT_FALSE(has_norms(model.graph));
  EXPECT_EQ(model.discovery.layers.size(), 21U) << "20 convolutions and the classifier";
  EXPECT_EQ(model.sha256, sha256(read_file(file)));
  EXPECT_EQ(model.file_bytes, static_cast<std::int64_t>(std::filesystem::file_size(file)));
  EXPECT_TRUE(model.tail.empty());
}

TEST(LoadModel, RefusesWeightsAndBiasesWhoseSquaresOverflow) {
  const testing::TemporaryDirectory folder;
  const auto file = folder / "net.onnx";
  const Model model = small_model();
  const graph::Layer& layer = model.discovery.layers[1];
  for (const graph::ValueId id : {layer.weight, layer.bias}) {
    graph::Graph damaged = model.graph;
    Tensor values = *damaged.value(id).constant;
    values.mutable_data<float>()[2] = -3.4e38F;
    damaged.mutable_value(id).constant = values;
    onnx_io::export_onnx(damaged, file, {.format = onnx_io::WeightFormat::Float});
    EXPECT_THAT(
        [&] { static_cast<void>(load_model(file)); },
        ThrowsMessage<ImportError>(AllOf(
            HasSubstr("net.onnx"), HasSubstr(model.graph.value(id).name), HasSubstr("-3.4e+38"))));
  }
}

TEST(LoadGraph, ReturnsTheGraphOfTheModel) {
  const testing::TemporaryDirectory folder;
  const auto file = folder / "net.onnx";
  onnx_io::export_onnx(small_resnet(), file, {.format = onnx_io::WeightFormat::Float});
  const Graph expected = load_model(file).graph;
  const Graph got = load_graph(file);
  ASSERT_EQ(got.nodes().size(), expected.nodes().size());
  for (std::size_t n = 0; n < got.nodes().size(); ++n) {
    EXPECT_EQ(got.nodes()[n].name, expected.nodes()[n].name);
    EXPECT_EQ(got.nodes()[n].inputs, expected.nodes()[n].inputs);
  }
}

TEST(LoadTrainableModel, KeepsTheNormsUnderTheSameNames) {
  const testing::TemporaryDirectory folder;
  const auto file = folder / "net.onnx";
  onnx_io::export_onnx(small_resnet(), file, {.format = onnx_io::WeightFormat::Float});
  const Graph unfolded = load_trainable_model(file).unfolded;
  EXPECT_TRUE(has_norms(unfolded));
  const Model model = load_model(file);
  for (const graph::Layer& layer : model.discovery.layers) {
    EXPECT_NE(unfolded.find_value(model.graph.value(layer.output).name), graph::kNoValue)
        << layer.name;
  }
}

TEST(LoadModel, NamesTheFileOfAnUnsupportedOperator) {
  const testing::TemporaryDirectory folder;
  const auto file = folder / "strange.onnx";
  GraphBuilder builder("strange");
  const ValueId x = builder.input("x", {Dim::batch(), Dim::fixed(4)});
  onnx_io::export_onnx(builder.finish({builder.unary("NoSuchOperator", "odd", x)}), file);
  for (const bool whole : {true, false}) {
    try {
      if (whole) (void)load_model(file);
      if (!whole) (void)load_graph(file);
      FAIL() << "accepted an unknown operator";
    } catch (const UnsupportedOp& error) {
      EXPECT_EQ(error.where(), file.string());
      EXPECT_THAT(error.what(), HasSubstr("NoSuchOperator"));
    }
  }
}

}  // namespace
}  // namespace ompq::pipeline
