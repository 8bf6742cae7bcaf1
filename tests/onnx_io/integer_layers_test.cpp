#include "ompq/onnx_io/integer_layers.h"

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "support/graph_builder.h"

namespace ompq::onnx_io {
namespace {

using graph::Dim;
using graph::Graph;
using graph::kNoValue;
using graph::Node;

constexpr float kActivationScale = 0.03F;

/// QuantizeLinear -> DequantizeLinear -> Conv or Gemm with two output channels and a bias.
Graph quantized_layer(bool gemm = false) {
  testing::GraphBuilder builder("layer");
  if (gemm) {
    const auto x = builder.input("x", {Dim::batch(), Dim::fixed(3)});
    const auto q = builder.quantize_dequantize("q", x, kActivationScale, 7);
    return builder.finish({builder.gemm("layer", q, 2)});
  }
  const auto x = builder.input("x", {Dim::batch(), Dim::fixed(3), Dim::fixed(4), Dim::fixed(4)});
  const auto q = builder.quantize_dequantize("q", x, kActivationScale, 7);
  return builder.finish({builder.conv("layer", q, {.out = 2, .bias = true})});
}

quant::QuantizedTensor codes_for(const Graph& graph, int bits, std::vector<std::int32_t> zeros) {
  const Tensor& weight = *graph.value(graph.find_value("layer.weight")).constant;
  quant::QuantizedTensor codes{.params = {.bits = BitWidth(bits),
                                          .symmetry = quant::Symmetry::Asymmetric,
                                          .granularity = quant::Granularity::along(0),
                                          .scale = {0.5F, 0.25F},
                                          .zero_point = std::move(zeros)},
                               .shape = weight.shape(),
                               .codes = {}};
  for (std::int64_t i = 0; i < weight.elements(); ++i) {
    codes.codes.push_back(static_cast<std::uint8_t>(i % codes.params.bits.levels()));
  }
  return codes;
}

void set_bias(Graph& graph, const std::vector<float>& values) {
  graph.mutable_value(graph.find_value("layer.bias")).constant =
      Tensor::from({static_cast<std::int64_t>(values.size())}, values);
}

const Node& layer_of(const Graph& graph) {
  for (const Node& node : graph.nodes()) {
    if (node.is("Conv") || node.is("Gemm") || node.is("MatMul")) return node;
  }
  throw std::logic_error("no layer");
}

const Node& maker_of(const Graph& graph, graph::ValueId id) {
  return graph.node(graph.producer(id));
}

TEST(IntegerLayers, HaveInt8LevelsAndAnInt32Bias) {
  Graph graph = quantized_layer();
  set_bias(graph, {100 * (kActivationScale * 0.5F), -3 * (kActivationScale * 0.25F)});
  const auto made = insert_integer_layers(graph, {{"layer.weight", codes_for(graph, 3, {1, 4})}});
  ASSERT_EQ(made.size(), 1U);
  EXPECT_EQ(made[0].weight, "layer.weight");

  const Node& weight = maker_of(graph, layer_of(graph).inputs[1]);
  EXPECT_EQ(weight.op_type, "DequantizeLinear");
  EXPECT_EQ(weight.int_attribute("axis", 1), 0);
  EXPECT_EQ(weight.input(2), kNoValue) << "a Conv needs no zero points";
  const Tensor& levels = *graph.value(made[0].levels).constant;
  EXPECT_EQ(levels.type(), DataType::Int8);
  EXPECT_EQ(levels.data<std::int8_t>()[0], 0 - 1);
  EXPECT_EQ(levels.data<std::int8_t>()[5], 5 - 4) << "of the second channel";

  const Node& bias = maker_of(graph, layer_of(graph).inputs[2]);
  EXPECT_EQ(bias.op_type, "DequantizeLinear");
  const Tensor& steps = *graph.value(bias.inputs[0]).constant;
  EXPECT_EQ(steps.type(), DataType::Int32);
  EXPECT_EQ(steps.data<std::int32_t>()[0], 100);
  EXPECT_EQ(steps.data<std::int32_t>()[1], -3);
  EXPECT_EQ(maker_of(graph, bias.inputs[1]).op_type, "Mul") << "of both scales";
}

TEST(IntegerLayers, OfAGemmHaveZeroPoints) {
  Graph graph = quantized_layer(true);
  set_bias(graph, {0.0F, 0.0F});
  ASSERT_EQ(insert_integer_layers(graph, {{"layer.weight", codes_for(graph, 4, {8, 8})}}).size(),
            1U);
  const Node& weight = maker_of(graph, layer_of(graph).inputs[1]);
  ASSERT_NE(weight.input(2), kNoValue);
  EXPECT_EQ(graph.value(weight.inputs[2]).type, DataType::Int8);
}

/// The layer keeps its float weight.
void expect_float(Graph graph, const quant::QuantizedTensor& codes) {
  EXPECT_TRUE(insert_integer_layers(graph, {{"layer.weight", codes}}).empty());
  EXPECT_TRUE(graph.is_constant(layer_of(graph).inputs[1]));
}

TEST(IntegerLayers, StayFloatWhereTheConditionsDoNotHold) {
  Graph graph = quantized_layer();
  const auto codes = codes_for(graph, 4, {8, 8});
  set_bias(graph, {0.4F * kActivationScale, 0.0F});
  expect_float(graph, codes);  // the bias is no multiple
  set_bias(graph, {1e12F, 0.0F});
  expect_float(graph, codes);  // more than int32

  set_bias(graph, {0.0F, 0.0F});
  auto wide = codes_for(graph, 8, {0, 0});
  wide.codes.back() = 255;
  expect_float(graph, wide);  // 255 does not fit int8

  Graph plain = quantized_layer();
  set_bias(plain, {0.0F, 0.0F});
  auto& inputs = plain.mutable_node(plain.producer(plain.outputs()[0])).inputs;
  inputs[0] = plain.inputs()[0];
  expect_float(plain, codes);  // a float activation
}

TEST(IntegerLayers, OfLevelsBetweenIntegersAreOddNumbers) {
  Graph graph = quantized_layer();
  set_bias(graph, {0.0F, 0.0F});
  auto codes = codes_for(graph, 1, {1, 1});
  codes.params.symmetry = quant::Symmetry::Symmetric;
  const auto made = insert_integer_layers(graph, {{"layer.weight", codes}});
  ASSERT_EQ(made.size(), 1U);
  EXPECT_TRUE(made[0].doubled);
  EXPECT_EQ(graph.value(made[0].levels).constant->data<std::int8_t>()[0], -1);
  EXPECT_EQ(graph.value(made[0].levels).constant->data<std::int8_t>()[1], 1);
  EXPECT_EQ(graph.value(made[0].scale).constant->data<float>()[0], 0.25F);
}

}  // namespace
}  // namespace ompq::onnx_io
