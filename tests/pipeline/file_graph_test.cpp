#include "ompq/pipeline/file_graph.h"

#include <algorithm>
#include <cmath>
#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ompq/core/error.h"
#include "ompq/pipeline/calibrate.h"
#include "ompq/pipeline/load_model.h"
#include "ompq/pipeline/network.h"
#include "ompq/pipeline/quantized_file.h"
#include "support/graph_builder.h"
#include "support/judge.h"
#include "support/memory_dataset.h"
#include "support/paths.h"

namespace ompq::pipeline {
namespace {

using graph::DeclaredDim;
using graph::Dim;
using graph::Graph;
using graph::ValueId;
using ::testing::ElementsAre;
using testing::GraphBuilder;
using ::testing::SizeIs;

const std::vector<DeclaredDim> kOpenImage{
    {.name = "batch"}, {.size = 3}, {.name = "height"}, {.name = "width"}};

graph::Shape image(std::int64_t side) {
  return {Dim::batch(), Dim::fixed(3), Dim::fixed(side), Dim::fixed(side)};
}

/// Convolutions with a norm, a residual, and a resize to the size of what came before it, which is
/// computed from shapes.
Graph open_network() {
  GraphBuilder builder("open");
  const testing::ConvOptions conv{.out = 6, .kernel = 3};
  const ValueId x = builder.input("x", image(16));
  const ValueId a = builder.relu("relu", builder.norm("norm", builder.conv("a", x, conv)));
  const ValueId small = builder.max_pool("pool", a, 2, 2, 0);
  const ValueId b = builder.relu("relu b", builder.conv("b", small, conv));
  const ValueId size = builder.op({"shape", "Shape", "", {a}}, {Dim::fixed(4)}, DataType::Int64);
  graph::Node resize{"resize",
                     "Resize",
                     "",
                     {b, graph::kNoValue, graph::kNoValue, size},
                     {},
                     {{"mode", std::string("nearest")},
                      {"coordinate_transformation_mode", std::string("asymmetric")},
                      {"nearest_mode", std::string("floor")}}};
  const ValueId large = builder.op(std::move(resize), builder.shape(a));
  const ValueId y = builder.conv("head", builder.add("add", a, large), {.out = 2, .kernel = 1});
  Graph graph = builder.finish({y});
  graph.interface.inputs = {{"x", DataType::Float32, kOpenImage}};
  graph.interface.outputs = {{graph.value(y).name,
                              DataType::Float32,
                              {{{.name = "batch"}, {.size = 2}, {.name = "h"}, {.name = "w"}}}}};
  return graph;
}

Model loaded(const Graph& graph,
             const std::filesystem::path& file,
             std::vector<std::int64_t> extents) {
  onnx_io::export_onnx(graph, file, {.format = onnx_io::WeightFormat::Float});
  return load_model(file, {.input_shapes = {{"x", std::move(extents)}}});
}

QuantizedNetwork quantized(const Model& model, int bits) {
  const std::size_t layers = model.discovery.layers.size();
  Samples samples;
  samples.dataset = std::make_unique<testing::MemoryDataset>(testing::normal_samples(
      graph::extents_at(*model.graph.value(model.graph.inputs().front()).shape, 4), 3));
  samples.indices = testing::all_indices(4);
  const auto activations =
      calibrate(model, std::vector<std::optional<int>>(layers, 8), samples, {}, {});
  return quantize_network(model, std::vector<int>(layers, bits), activations, {});
}

std::vector<std::string> names_of(const std::vector<DeclaredDim>& dims) {
  std::vector<std::string> names;
  for (const DeclaredDim& dim : dims) {
    names.push_back(dim.size ? std::to_string(*dim.size) : dim.name);
  }
  return names;
}

double relative_difference(const Tensor& a, const Tensor& b) {
  double difference = 0;
  double sum = 0;
  const auto x = a.data<float>();
  const auto y = b.data<float>();
  EXPECT_EQ(x.size(), y.size());
  for (std::size_t i = 0; i < std::min(x.size(), y.size()); ++i) {
    difference += std::pow(x[i] - y[i], 2.0);
    sum += std::pow(x[i], 2.0);
  }
  return std::sqrt(difference / sum);
}

TEST(FileGraph, KeepsOpenExtentsWithTheirNames) {
  const testing::TemporaryDirectory folder;
  const Model model = loaded(open_network(), folder / "float.onnx", {-1, 3, 16, 16});
  ASSERT_TRUE(model.file_graph);
  onnx_io::write_onnx_file(folder / "small.onnx", export_file(quantized(model, 6), {}));
  const Graph written =
      onnx_io::import_onnx(folder / "small.onnx", {.input_shapes = {{"x", {-1, 3, 24, 40}}}});
  ASSERT_THAT(written.interface.inputs, SizeIs(1));
  EXPECT_THAT(names_of(*written.interface.inputs.front().shape),
              ElementsAre("batch", "3", "height", "width"));
  ASSERT_THAT(written.interface.outputs, SizeIs(1));
  EXPECT_THAT(names_of(*written.interface.outputs.front().shape),
              ElementsAre("batch", "2", "h", "w"));
}

TEST(FileGraph, RunsAtOtherSizesInEveryForm) {
  OMPQ_JUDGE_OR_SKIP();
  const testing::TemporaryDirectory folder;
  const Model model = loaded(open_network(), folder / "float.onnx", {-1, 3, 16, 16});
  const QuantizedNetwork network = quantized(model, 8);
  std::vector<testing::JudgeJob> jobs;
  for (const std::vector<std::int64_t>& extents :
       {std::vector<std::int64_t>{2, 3, 24, 40}, {1, 3, 8, 12}, {3, 3, 16, 16}}) {
    const Tensor x = testing::normal_samples(extents, 5);
    jobs.push_back({folder / "float.onnx", {{"x", x}}, "all"});
    for (const auto format : {onnx_io::WeightFormat::Packed,
                              onnx_io::WeightFormat::Qdq,
                              onnx_io::WeightFormat::Float}) {
      const auto file = folder / (std::to_string(static_cast<int>(format)) + ".onnx");
      onnx_io::write_onnx_file(file, export_file(network, {.format = format}));
      for (const std::string level : {"disabled", "all"}) jobs.push_back({file, {{"x", x}}, level});
    }
  }
  const auto answers = run_jobs(testing::Judge::Node, jobs);
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    ASSERT_EQ(answers[i].refusal, "") << jobs[i].model;
    // 8 bits: a step of 1/255 of a range of some six deviations, in each of four layers.
    const auto& real = answers[i / 7 * 7].outputs.front();
    EXPECT_LT(relative_difference(real, answers[i].outputs.front()), 0.05) << jobs[i].model;
  }
}

TEST(FileGraph, HasTheSizeThatWasPromised) {
  const testing::TemporaryDirectory folder;
  const Model model = loaded(open_network(), folder / "float.onnx", {-1, 3, 16, 16});
  const std::size_t layers = model.discovery.layers.size();
  const FileSize size(model, {}, {});
  EXPECT_EQ(size.bytes(std::vector<int>(layers, 6), std::vector<int>(layers, 8)),
            static_cast<std::int64_t>(export_file(quantized(model, 6), {}).size()));
}

TEST(FileGraph, IsReadBackWithTheSizesOfTheFloatNetwork) {
  const testing::TemporaryDirectory folder;
  const Model model = loaded(open_network(), folder / "float.onnx", {-1, 3, 16, 16});
  const QuantizedNetwork network = quantized(model, 4);
  onnx_io::write_onnx_file(folder / "small.onnx", export_file(network, {}));
  const QuantizedFile read = read_quantized_file(model, folder / "small.onnx");
  EXPECT_EQ(read.weight_bits, std::vector<int>(model.discovery.layers.size(), 4));
  for (const graph::Layer& layer : model.discovery.layers) {
    EXPECT_TRUE(read.codes.activations.contains(layer.input)) << layer.name;
  }
}

/// Coordinates of every pixel, made of a few numbers, next to the image.
Graph grid_network() {
  GraphBuilder builder("grid");
  const ValueId x = builder.input("x", image(16));
  const auto number = [&](const std::string& name, std::int64_t value) {
    return builder.constant(name, Tensor::scalar(value));
  };
  const ValueId line =
      builder.op({"range", "Range", "", {number("0", 0), number("16", 16), number("1", 1)}},
                 {Dim::fixed(16)},
                 DataType::Int64);
  const ValueId reals =
      builder.op({"cast", "Cast", "", {line}, {}, {{"to", std::int64_t{1}}}}, {Dim::fixed(16)});
  const ValueId target = builder.constant(
      "target", Tensor::from<std::int64_t>({4}, std::vector<std::int64_t>{1, 1, 16, 16}));
  const graph::Shape plane{Dim::fixed(1), Dim::fixed(1), Dim::fixed(16), Dim::fixed(16)};
  const ValueId grid = builder.op({"expand", "Expand", "", {reals, target}}, plane);
  const ValueId sum = builder.op({"sum", "Add", "", {x, grid}}, image(16));
  return builder.finish({builder.conv("head", sum, {.out = 2, .kernel = 3})});
}

TEST(FileGraph, KeepsGridsComputed) {
  const testing::TemporaryDirectory folder;
  onnx_io::export_onnx(
      grid_network(), folder / "float.onnx", {.format = onnx_io::WeightFormat::Float});
  const Model model = load_model(folder / "float.onnx");
  const Graph& file = *model.file_graph;
  const auto is_expand = [](const graph::Node& node) { return node.is("Expand"); };
  EXPECT_EQ(std::ranges::count_if(file.nodes(), is_expand), 1);
  for (std::size_t i = 0; i < file.values().size(); ++i) {
    const auto id = static_cast<ValueId>(i);
    if (!file.is_constant(id) || file.consumers(id).empty()) continue;
    EXPECT_LT(file.value(id).constant->elements(), 256) << file.value(id).name;
  }
}

TEST(HoldsForEverySize, TellsGivenExtentsFromThoseOfTheFile) {
  Graph graph = open_network();
  EXPECT_FALSE(holds_for_every_size(graph));
  graph.interface.inputs.front().shape = {
      {{.name = "batch"}, {.size = 3}, {.size = 16}, {.size = 16}}};
  EXPECT_TRUE(holds_for_every_size(graph));
  graph.mutable_value(graph.inputs().front()).shape->front() = Dim::fixed(4);
  EXPECT_FALSE(holds_for_every_size(graph)) << "the batch was given";
  graph.interface.inputs.clear();
  EXPECT_TRUE(holds_for_every_size(graph)) << "no file was read";
}

}  // namespace
}  // namespace ompq::pipeline
