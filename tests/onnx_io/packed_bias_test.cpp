#include "ompq/onnx_io/packed_bias.h"

#include <algorithm>
#include <cmath>

#include <gtest/gtest.h>

#include "ompq/onnx_io/importer.h"
#include "onnx_io/quantized_layer.h"
#include "support/judge.h"

namespace ompq::onnx_io {
namespace {

using graph::Graph;

std::optional<PackedBias> packed_bias(const Graph& graph, const ExportOptions& options) {
  const graph::NodeId conv = graph.producer(graph.outputs().front());
  return pack_bias(graph, graph.node(conv), pack_weight(options.quantized.at("w"), "w"));
}

Tensor& bias_of(Graph& graph) { return *graph.mutable_value(graph.find_value("b")).constant; }

TEST(PackBias, GivesWholeStepsThatMultiplyToTheSameFloats) {
  for (const float size : {0.0F, 0.5F, 3.0F, 1e4F}) {
    ExportOptions options;
    const Graph graph = testing::quantized_layer(options, 20, size);
    const auto packed = packed_bias(graph, options);
    ASSERT_TRUE(packed) << size;
    EXPECT_EQ(packed->weight, "w");
    EXPECT_EQ(graph.value(packed->activation_scale).name, "scale");
    const float activation = graph.value(packed->activation_scale).constant->data<float>().front();
    const auto expected = graph.value(packed->bias).constant->data<float>();
    const auto& scale = options.quantized.at("w").params.scale;
    ASSERT_EQ(packed->steps.size(), expected.size());
    for (std::size_t c = 0; c < expected.size(); ++c) {
      ASSERT_EQ(packed->steps[c] * activation * scale[c], expected[c]) << "channel " << c;
    }
  }
}

TEST(PackBias, LeavesABiasAloneThatWouldNotComeOutToTheBit) {
  ExportOptions options;
  Graph graph = testing::quantized_layer(options);
  float& element = bias_of(graph).mutable_data<float>()[7];
  element = std::nextafter(element, 100.0F);
  EXPECT_FALSE(packed_bias(graph, options));
  element = 1e20F;
  EXPECT_FALSE(packed_bias(graph, options)) << "too many steps for float16";
  element = -0.0F;
  EXPECT_TRUE(packed_bias(graph, options));
}

TEST(PackBias, LeavesABiasAloneThatOthersRead) {
  ExportOptions options;
  Graph graph = testing::quantized_layer(options);
  graph.mark_output(graph.add_op({"see", "Identity", "", {graph.find_value("b")}, {}, {}}));
  EXPECT_FALSE(packed_bias(graph, options));
}

TEST(PackBias, LeavesABiasAloneWhereTheInputIsFloat) {
  ExportOptions options;
  Graph graph = testing::quantized_layer(options);
  graph.replace_uses(graph.find_value("dq_output"), graph.inputs().front());
  EXPECT_FALSE(packed_bias(graph, options));
}

TEST(PackBias, LeavesABiasAloneWhereScalesAreNotShort) {
  ExportOptions options;
  const Graph graph = testing::quantized_layer(options);
  options.quantized.at("w").params.scale[3] *= 1.01F;
  EXPECT_FALSE(packed_bias(graph, options));
}

TEST(PackedLayer, ComputesInOnnxRuntimeWhatTheFloatFormDoesToTheBit) {
  OMPQ_JUDGE_OR_SKIP();
  for (const char* optimization : {"all", "disabled"}) {
    ExportOptions options;
    const Graph graph = testing::quantized_layer(options);
    const std::map<std::string, Tensor> inputs{{"x", testing::normal_tensor({2, 3, 4, 4}, 8)}};
    const auto run = [&] {
      return testing::run_bytes_in_onnxruntime(
          export_onnx_bytes(graph, options), inputs, {.optimization = optimization});
    };
    const Tensor packed = run().front();
    options.format = WeightFormat::Float;
    EXPECT_TRUE(packed.equals(run().front())) << optimization;
  }
}

TEST(PackedLayer, TakesTwoBytesABiasAndOneAScale) {
  ExportOptions few;
  ExportOptions many;
  const std::size_t small = export_onnx_bytes(testing::quantized_layer(few, 24), few).size();
  const std::size_t large = export_onnx_bytes(testing::quantized_layer(many, 64), many).size();
  // 40 channels more: 27 codes and a zero point at 3 bits, a scale, a bias; lengths and sizes that
  // pass 127 take a byte more.
  const std::size_t expected = 40 * 28 * 3 / 8 + 40 + 80;
  EXPECT_GE(large - small, expected);
  EXPECT_LE(large - small, expected + 12);
}

TEST(PackedLayer, SaysNothingThatOnnxTakesForGranted) {
  ExportOptions options;
  const Graph graph = testing::quantized_layer(options);
  const Graph read = import_onnx_bytes(export_onnx_bytes(graph, options));
  const auto conv = std::find_if(read.nodes().begin(), read.nodes().end(), [](const auto& node) {
    return node.name == "conv";
  });
  ASSERT_NE(conv, read.nodes().end());
  EXPECT_TRUE(conv->attributes.empty());
}

}  // namespace
}  // namespace ompq::onnx_io
