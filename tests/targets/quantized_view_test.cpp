#include "ompq/targets/quantized_view.h"

#include <vector>

#include <gtest/gtest.h>

#include "support/graph_builder.h"

namespace ompq::targets {
namespace {

using graph::Dim;
using graph::Graph;
using graph::NodeId;
using graph::ValueId;

graph::Shape small_image() { return {Dim::batch(), Dim::fixed(2), Dim::fixed(4), Dim::fixed(4)}; }

/// Codes of x -> Conv of an int8 weight -> Relu -> codes -> Sigmoid
Graph layer_and_operator() {
  testing::GraphBuilder b("view");
  const ValueId x = b.quantize_dequantize("a", b.input("x", small_image()), 0.1F, 128);
  const ValueId levels =
      b.constant("levels", Tensor::from({2, 2, 1, 1}, std::vector<std::int8_t>{1, -2, 3, -4}));
  const ValueId scales = b.constant("scales", Tensor::from({2}, std::vector<float>{0.1F, 0.2F}));
  const ValueId weight = b.op({.name = "w",
                               .op_type = "DequantizeLinear",
                               .inputs = {levels, scales},
                               .attributes = {{"axis", std::int64_t{0}}}},
                              {Dim::fixed(2), Dim::fixed(2), Dim::fixed(1), Dim::fixed(1)});
  const ValueId y = b.op({.name = "conv", .op_type = "Conv", .inputs = {x, weight}}, small_image());
  const ValueId z = b.quantize_dequantize("b", b.relu("relu", y), 0.2F, 0);
  return b.finish({b.unary("Sigmoid", "sigmoid", z)});
}

ValueId output_of(const Graph& graph, const std::string& node) {
  return testing::node_named(graph, node).outputs.front();
}

TEST(QuantizedViews, FindLayersTheirWeightsAndQuantizers) {
  const Graph graph = layer_and_operator();
  const TargetRow& row = target("onnxruntime");
  const QuantizedView view(graph, row);
  ASSERT_EQ(view.layers().size(), 1U);
  const NodeId layer = view.layers().front();
  EXPECT_EQ(view.place(layer), "Conv 'conv'");
  EXPECT_EQ(view.quantizers().size(), 2U);
  const auto weight = view.decoded_constant(view.node(layer).input(1));
  ASSERT_TRUE(weight.has_value());
  EXPECT_EQ(weight->codes, DataType::Int8);
  EXPECT_EQ(floats_of(weight->scale), (std::vector<float>{0.1F, 0.2F}));
  EXPECT_FALSE(view.decoded_constant(view.node(layer).input(0)).has_value());
  ASSERT_TRUE(view.decoded(view.node(layer).input(0)).has_value());
}

TEST(QuantizedViews, LookForQuantizersAfterOperatorsThatClip) {
  const Graph graph = layer_and_operator();
  const QuantizedView view(graph, target("onnxruntime"));
  const auto quantizer = view.quantized(output_of(graph, "conv"));
  ASSERT_TRUE(quantizer.has_value());
  EXPECT_EQ(text_of(*quantizer), "scale 0.2, zero point 0");
  EXPECT_FALSE(view.quantized(output_of(graph, "sigmoid")).has_value());
  EXPECT_TRUE(view.ends_network(output_of(graph, "sigmoid")));
  EXPECT_FALSE(view.ends_network(output_of(graph, "conv")));
}

TEST(QuantizedViews, KnowWhichOperatorsOfTheTargetReadCodes) {
  const Graph graph = layer_and_operator();
  const NodeId sigmoid = graph.producer(output_of(graph, "sigmoid"));
  EXPECT_TRUE(QuantizedView(graph, target("onnxruntime")).runs_on_codes(sigmoid));
  EXPECT_FALSE(QuantizedView(graph, target("tensorrt")).runs_on_codes(sigmoid));
  const NodeId relu = graph.producer(output_of(graph, "relu"));
  EXPECT_FALSE(QuantizedView(graph, target("onnxruntime")).runs_on_codes(relu));
}

TEST(Quantizers, AreTheSameIfTheyRepresentTheSameNumbers) {
  const Graph graph = layer_and_operator();
  const QuantizedView view(graph, target("onnxruntime"));
  const Quantizer& a = view.quantizers().front();
  const Quantizer& b = view.quantizers().back();
  EXPECT_TRUE(same_quantizer(a, a));
  EXPECT_FALSE(same_quantizer(a, b));
  EXPECT_FALSE(same_quantizer(a, Quantizer{}));
}

}  // namespace
}  // namespace ompq::targets
