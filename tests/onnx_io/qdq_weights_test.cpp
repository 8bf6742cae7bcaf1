#include "ompq/onnx_io/qdq_weights.h"

#include <algorithm>

#include <gtest/gtest.h>

#include "ompq/core/error.h"
#include "ompq/graph/graph.h"
#include "ompq/onnx_io/exporter.h"
#include "support/graph_builder.h"
#include "support/judge.h"
#include "support/memory_dataset.h"

namespace ompq::onnx_io {
namespace {

using quant::QuantizedTensor;

/// The weight [2, 3] of a Gemm, with codes that reach both ends of their levels.
QuantizedTensor codes(int bits, std::vector<std::int32_t> zero_points) {
  const BitWidth width(bits);
  const auto top = static_cast<std::uint8_t>(width.levels() - 1);
  return {.params = {.bits = width,
                     .symmetry = quant::Symmetry::Asymmetric,
                     .granularity = quant::Granularity::along(0),
                     .scale = {0.25F, 0.5F},
                     .zero_point = std::move(zero_points)},
          .shape = {2, 3},
          .codes = {0, 1, top, top, 2, 0}};
}

graph::Graph network(const QuantizedTensor& weight) {
  testing::GraphBuilder builder("qdq");
  const auto x = builder.input("x", {graph::Dim::batch(), graph::Dim::fixed(3)});
  graph::Graph graph = builder.finish({builder.gemm("fc", x, 2)});
  for (std::size_t v = 0; v < graph.values().size(); ++v) {
    const auto id = static_cast<graph::ValueId>(v);
    if (!graph.is_constant(id) || graph.value(id).constant->shape() != weight.shape) continue;
    graph.mutable_value(id).constant = quant::dequantize(weight);
  }
  return graph;
}

std::string weight_name(const graph::Graph& graph) {
  return graph.value(graph.nodes().front().input(1)).name;
}

const graph::Node& dequantizer(const graph::Graph& graph) {
  return *std::ranges::find_if(graph.nodes(),
                               [](const graph::Node& node) { return node.is("DequantizeLinear"); });
}

TEST(InsertWeightDequantizers, StoresFewerThanEightBitsAsInt8AroundZero) {
  const QuantizedTensor weight = codes(3, {3, 7});
  graph::Graph graph = network(weight);
  insert_weight_dequantizers(graph, {{weight_name(graph), weight}});
  const graph::Node& node = dequantizer(graph);
  const Tensor& stored = *graph.value(node.input(0)).constant;
  ASSERT_EQ(stored.type(), DataType::Int8);
  const auto values = stored.data<std::int8_t>();
  EXPECT_EQ(std::vector<int>(values.begin(), values.end()),
            (std::vector<int>{-3, -2, 4, 0, -5, -7}));
  for (const std::int8_t zero : graph.value(node.input(2)).constant->data<std::int8_t>()) {
    EXPECT_EQ(zero, 0);
  }
}

TEST(InsertWeightDequantizers, KeepsUnsignedCodesThatDoNotFitAroundZero) {
  const QuantizedTensor weight = codes(8, {100, 128});
  graph::Graph graph = network(weight);
  insert_weight_dequantizers(graph, {{weight_name(graph), weight}});
  const graph::Node& node = dequantizer(graph);
  ASSERT_EQ(graph.value(node.input(0)).constant->type(), DataType::UInt8);
  const auto zeros = graph.value(node.input(2)).constant->data<std::uint8_t>();
  EXPECT_EQ(std::vector<int>(zeros.begin(), zeros.end()), (std::vector<int>{100, 128}));
}

TEST(InsertWeightDequantizers, RefusesWhatIsNoConstant) {
  const QuantizedTensor weight = codes(3, {3, 7});
  graph::Graph graph = network(weight);
  EXPECT_THROW(insert_weight_dequantizers(graph, {{"x", weight}}), ConfigError);
}

TEST(QdqFile, SaysInOnnxRuntimeWhatTheFloatOneSays) {
  OMPQ_JUDGE_OR_SKIP();
  for (const int bits : {2, 4, 7, 8}) {
    const QuantizedTensor weight = codes(bits, {1, bits == 8 ? 100 : 0});
    const graph::Graph graph = network(weight);
    ExportOptions options{.format = WeightFormat::Qdq, .quantized = {{weight_name(graph), weight}}};
    const std::map<std::string, Tensor> inputs{{"x", testing::normal_samples({4, 3}, 1)}};
    const auto got = testing::run_bytes_in_onnxruntime(export_onnx_bytes(graph, options), inputs);
    options.format = WeightFormat::Float;
    const auto expected =
        testing::run_bytes_in_onnxruntime(export_onnx_bytes(graph, options), inputs);
    const auto x = got.at(0).data<float>();
    const auto y = expected.at(0).data<float>();
    for (std::size_t i = 0; i < y.size(); ++i) EXPECT_FLOAT_EQ(x[i], y[i]) << bits << " bits";
  }
}

}  // namespace
}  // namespace ompq::onnx_io
