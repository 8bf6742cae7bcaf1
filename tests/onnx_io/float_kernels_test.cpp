#include "ompq/onnx_io/float_kernels.h"

#include <algorithm>

#include <gtest/gtest.h>

#include "support/graph_builder.h"

namespace ompq::onnx_io {
namespace {

using graph::Dim;
using graph::Graph;
using graph::Node;
using graph::ValueId;
using testing::GraphBuilder;

const graph::Shape kImages{Dim::batch(), Dim::fixed(2), Dim::fixed(4), Dim::fixed(4)};

std::ptrdiff_t count(const Graph& graph, std::string_view type) {
  return std::ranges::count_if(graph.nodes(), [&](const Node& node) { return node.is(type); });
}

TEST(KeepFloatKernels, GivesAConvolutionOfDequantizedOperandsABias) {
  GraphBuilder builder("net");
  const ValueId x = builder.quantize_dequantize("xq", builder.input("x", kImages), 0.1F, 128);
  const ValueId codes = builder.constant("codes", Tensor(DataType::Int8, {3, 2, 1, 1}));
  const ValueId scales = builder.constant("scales", Tensor(DataType::Float32, {3}));
  const graph::Shape weight{Dim::fixed(3), Dim::fixed(2), Dim::fixed(1), Dim::fixed(1)};
  const ValueId w = builder.op(
      {"dq", "DequantizeLinear", "", {codes, scales}, {}, {{"axis", std::int64_t{0}}}}, weight);
  const graph::Shape out{Dim::batch(), Dim::fixed(3), Dim::fixed(4), Dim::fixed(4)};
  Graph graph = builder.finish({builder.op({"conv", "Conv", "", {x, w}}, out)});
  keep_float_kernels(graph);
  const auto conv =
      std::ranges::find_if(graph.nodes(), [](const Node& node) { return node.is("Conv"); });
  ASSERT_TRUE(graph.is_constant(conv->input(2)));
  EXPECT_TRUE(graph.value(conv->input(2)).constant->equals(Tensor(DataType::Float32, {3})));
}

TEST(KeepFloatKernels, PutsANodeBeforeJoinsOfDequantizedOperandsAlone) {
  GraphBuilder builder("net");
  const ValueId x = builder.input("x", kImages);
  const ValueId a = builder.quantize_dequantize("aq", x, 0.1F, 128);
  const ValueId b = builder.quantize_dequantize("bq", builder.relu("relu", x), 0.1F, 0);
  const ValueId both = builder.add("both", a, b);
  const ValueId one = builder.add("one", a, x);
  const ValueId moved = builder.transpose("moved", b, {0, 2, 3, 1});
  Graph graph = builder.finish({both, one, moved});
  keep_float_kernels(graph);
  EXPECT_EQ(count(graph, "Max"), 1);
  const Node& joined = testing::node_named(graph, "both");
  EXPECT_TRUE(graph.node(graph.producer(joined.inputs[0])).is("Max"));
  EXPECT_EQ(testing::node_named(graph, "one").inputs[0], a);
  EXPECT_EQ(testing::node_named(graph, "moved").inputs[0], b);
}

TEST(KeepFloatKernels, LeavesAFloatNetworkAlone) {
  GraphBuilder builder("net");
  const ValueId x = builder.input("x", kImages);
  Graph graph = builder.finish({builder.add("add", x, builder.conv("conv", x, {.out = 2}))});
  keep_float_kernels(graph);
  EXPECT_EQ(graph.nodes().size(), 2U);
}

}  // namespace
}  // namespace ompq::onnx_io
