#include <gtest/gtest.h>

#include "ompq/graph/layers.h"
#include "ompq/onnx_io/exporter.h"
#include "onnx_io/small_network.h"
#include "support/graph_builder.h"
#include "support/judge.h"

namespace ompq::onnx_io {
namespace {

using graph::Graph;
using graph::ValueId;

/// Each operator with a weight, in each of its forms, from x [N, 8, 9, 9] straight to an output.
Graph every_operator() {
  testing::GraphBuilder builder("operators");
  const ValueId x = builder.input(
      "x", {graph::Dim::batch(), graph::Dim::fixed(8), graph::Dim::fixed(9), graph::Dim::fixed(9)});
  std::vector<ValueId> outputs{
      builder.conv("dense", x, {.out = 5, .kernel = 3, .bias = true}),
      builder.conv("pointwise", x, {.out = 7, .kernel = 1}),
      builder.conv("strided", x, {.out = 6, .kernel = 3, .stride = 2, .pads = {1, 0, 0, 1}}),
      builder.conv("grouped", x, {.out = 6, .kernel = 3, .groups = 2, .bias = true}),
      builder.conv("depthwise", x, {.out = 8, .kernel = 3, .groups = 8, .bias = true}),
      builder.conv("multiplied", x, {.out = 16, .kernel = 3, .groups = 8}),
      builder.conv("dilated", x, {.out = 5, .kernel = 3, .dilation = 2}),
      builder.conv_transpose("up", x, {.out = 6, .kernel = 3, .stride = 2, .bias = true}),
      builder.conv_transpose("up_grouped", x, {.out = 4, .kernel = 2, .stride = 2, .groups = 2})};
  const ValueId flat = builder.flatten("flat", builder.global_average_pool("pool", x));
  outputs.push_back(builder.gemm("gemm", flat, 11));
  outputs.push_back(builder.linear("matmul", flat, 13, false));
  return builder.finish(outputs);
}

class EveryWidth : public ::testing::TestWithParam<int> {};

TEST_P(EveryWidth, OfEveryOperatorComesOutOfThePackedFileToTheBit) {
  OMPQ_JUDGE_OR_SKIP();
  const Graph graph = every_operator();
  ExportOptions options;
  bool symmetric = GetParam() % 2 == 0;
  for (const graph::Layer& layer : graph::discover(graph).layers) {
    const std::string& name = graph.value(layer.weight).name;
    options.quantized[name] =
        testing::quantized(graph,
                           name,
                           BitWidth(GetParam()),
                           symmetric ? quant::Symmetry::Symmetric : quant::Symmetry::Asymmetric,
                           quant::Granularity::along(layer.weight_axis));
    symmetric = !symmetric;
  }
  ASSERT_EQ(options.quantized.size(), graph.outputs().size());
  const std::map<std::string, Tensor> inputs{{"x", testing::normal_tensor({2, 8, 9, 9}, 7)}};
  const auto got = testing::run_bytes_in_onnxruntime(export_onnx_bytes(graph, options), inputs);
  options.format = WeightFormat::Float;
  const auto expected =
      testing::run_bytes_in_onnxruntime(export_onnx_bytes(graph, options), inputs);
  for (std::size_t o = 0; o < expected.size(); ++o) {
    EXPECT_TRUE(got.at(o).equals(expected[o])) << graph.value(graph.outputs()[o]).name;
  }
}

INSTANTIATE_TEST_SUITE_P(Packed, EveryWidth, ::testing::Range(2, 9), [](const auto& row) {
  return std::to_string(row.param) + "Bits";
});

}  // namespace
}  // namespace ompq::onnx_io
