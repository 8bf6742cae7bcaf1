#include <algorithm>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ompq/core/error.h"
#include "ompq/onnx_io/exporter.h"
#include "ompq/onnx_io/importer.h"
#include "onnx_io/small_network.h"
#include "support/judge.h"
#include "support/paths.h"

namespace ompq::onnx_io {
namespace {

using graph::Graph;
using graph::ValueId;
using quant::Granularity;
using quant::QuantizedTensor;
using quant::Symmetry;
using ::testing::HasSubstr;
using testing::normal_tensor;
using testing::quantized;
using testing::run_bytes_in_onnxruntime;

ExportOptions three_bits(const Graph& graph) {
  ExportOptions options;
  for (const auto& [name, axis] : testing::small_network_axes()) {
    options.quantized[name] =
        quantized(graph, name, BitWidth(3), Symmetry::Asymmetric, Granularity::along(axis));
  }
  return options;
}

TEST(PackedNetwork, ComputesWhatTheDequantizedOneDoes) {
  OMPQ_JUDGE_OR_SKIP();
  const Graph graph = testing::small_network();
  ExportOptions options = three_bits(graph);
  const std::map<std::string, Tensor> inputs{{"image", normal_tensor({3, 3, 8, 8}, 7)}};
  const auto got = run_bytes_in_onnxruntime(export_onnx_bytes(graph, options), inputs);
  options.format = WeightFormat::Float;
  const auto expected = run_bytes_in_onnxruntime(export_onnx_bytes(graph, options), inputs);
  ASSERT_EQ(got.size(), 1U);
  ASSERT_EQ(got[0].shape(), (std::vector<std::int64_t>{3, 5}));
  for (std::size_t i = 0; i < expected[0].data<float>().size(); ++i) {
    ASSERT_EQ(got[0].data<float>()[i], expected[0].data<float>()[i]) << "logit " << i;
  }
}

/// The small network with its features cut to `bits` bits: a Clip to the narrower range, then 8-bit
/// QuantizeLinear and DequantizeLinear.
Graph with_quantized_activations(int bits) {
  Graph graph = testing::small_network();
  const float step = 0.25F;
  const float top = step * static_cast<float>((1 << bits) - 1);
  const ValueId features = graph.find_value("relu_output");
  const ValueId scale = graph.add_constant("step", Tensor::scalar(step));
  const ValueId zero_point = graph.add_constant("zero", Tensor::scalar(std::uint8_t{0}));
  const auto readers = graph.consumers(features);
  const ValueId clipped = graph.add_op({"narrow",
                                        "Clip",
                                        "",
                                        {features,
                                         graph.add_constant("low", Tensor::scalar(0.0F)),
                                         graph.add_constant("high", Tensor::scalar(top))},
                                        {},
                                        {}});
  const ValueId codes =
      graph.add_op({"quantize", "QuantizeLinear", "", {clipped, scale, zero_point}, {}, {}});
  const ValueId back =
      graph.add_op({"dequantize", "DequantizeLinear", "", {codes, scale, zero_point}, {}, {}});
  for (const graph::NodeId reader : readers) {
    auto& inputs = graph.mutable_node(reader).inputs;
    std::replace(inputs.begin(), inputs.end(), features, back);
  }
  graph.sort();
  return graph;
}

TEST(PackedNetwork, CarriesQuantizedActivations) {
  OMPQ_JUDGE_OR_SKIP();
  const Graph graph = with_quantized_activations(3);
  ExportOptions options = three_bits(graph);
  const std::map<std::string, Tensor> inputs{{"image", normal_tensor({2, 3, 8, 8}, 7)}};
  const auto got = run_bytes_in_onnxruntime(export_onnx_bytes(graph, options), inputs).at(0);
  options.format = WeightFormat::Float;
  const auto expected = run_bytes_in_onnxruntime(export_onnx_bytes(graph, options), inputs).at(0);
  const auto other =
      run_bytes_in_onnxruntime(export_onnx_bytes(testing::small_network(), options), inputs).at(0);
  EXPECT_TRUE(got.equals(expected));
  EXPECT_FALSE(got.equals(other)) << "the activations are not quantized at all";
}

TEST(PackedNetwork, IsUnpackedWhenTheSessionIsMade) {
  OMPQ_JUDGE_OR_SKIP();
  const testing::TemporaryDirectory folder;
  const Graph graph = testing::small_network();
  const std::map<std::string, Tensor> inputs{{"image", normal_tensor({1, 3, 8, 8}, 7)}};
  (void)run_bytes_in_onnxruntime(
      export_onnx_bytes(graph, three_bits(graph)),
      inputs,
      {.optimization = "basic", .save_optimized = folder / "optimized.onnx"});
  const Graph optimized = import_onnx(folder / "optimized.onnx");
  EXPECT_GE(optimized.nodes().size(), 5U);
  for (const graph::Node& node : optimized.nodes()) {
    for (const char* unpacking : {"Div", "Mod", "Cast", "Reshape", "Slice", "Sub", "Mul"}) {
      EXPECT_NE(node.op_type, unpacking) << "is left for every run, as node " << node.name;
    }
  }
}

TEST(PackedNetwork, KeepsNodeNamesInputsOutputsAndMetadata) {
  Graph graph = testing::small_network();
  graph.metadata["task"] = "classification";
  const Graph packed = import_onnx_bytes(export_onnx_bytes(graph, three_bits(graph)));
  std::vector<std::string> names;
  for (const graph::Node& node : packed.nodes()) names.push_back(node.name);
  for (const graph::Node& node : graph.nodes()) EXPECT_THAT(names, ::testing::Contains(node.name));
  EXPECT_EQ(packed.value(packed.inputs().at(0)).name, "image");
  EXPECT_EQ(packed.value(packed.outputs().at(0)).name, "head_output");
  EXPECT_EQ(packed.metadata, graph.metadata);
}

TEST(PackedNetwork, IsTheSameFileEveryTime) {
  const Graph graph = testing::small_network();
  EXPECT_EQ(export_onnx_bytes(graph, three_bits(graph)),
            export_onnx_bytes(graph, three_bits(graph)));
}

TEST(PackedNetwork, SharesAWeightThatTwoNodesRead) {
  Graph graph;
  const ValueId x =
      graph.add_input("x", DataType::Float32, {graph::Dim::batch(), graph::Dim::fixed(16)});
  const ValueId weight = graph.add_constant("w", normal_tensor({16, 16}, 1));
  const ValueId once = graph.add_op({"a", "MatMul", "", {x, weight}, {}, {}});
  graph.mark_output(graph.add_op({"b", "MatMul", "", {once, weight}, {}, {}}));
  ExportOptions options;
  options.quantized["w"] =
      quantized(graph, "w", BitWidth(4), Symmetry::Symmetric, Granularity::along(1));
  const Graph packed = import_onnx_bytes(export_onnx_bytes(graph, options));
  std::int64_t bytes = 0;
  for (const graph::Value& value : packed.values()) {
    if (value.constant && value.constant->type() == DataType::UInt8) {
      bytes += value.constant->elements();
    }
  }
  EXPECT_EQ(bytes, 16 * 16 / 2);
}

/// The message of the ConfigError that exporting the small network with this weight throws.
std::string refusal(const std::string& name, const QuantizedTensor& weight) {
  ExportOptions options;
  options.quantized[name] = weight;
  try {
    (void)export_onnx_bytes(testing::small_network(), options);
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "nothing was thrown";
}

TEST(PackedNetwork, RefusesWeightsThatDoNotFit) {
  const Graph graph = testing::small_network();
  const QuantizedTensor good =
      quantized(graph, "head.weight", BitWidth(3), Symmetry::Symmetric, Granularity::along(1));
  EXPECT_THAT(refusal("nothing", good),
              HasSubstr("'nothing' is to be written quantized, but is not a"));
  EXPECT_THAT(refusal("hidden.weight", good), HasSubstr("have shape 20x5, the constant has 20x16"));

  QuantizedTensor bad = good;
  bad.codes[7] = 8;
  EXPECT_THAT(refusal("head.weight", bad),
              HasSubstr("has code 8 at index 7, which does not fit its 3 bits"));
  bad = good;
  bad.codes.pop_back();
  EXPECT_THAT(refusal("head.weight", bad), HasSubstr("has 99 codes, but needs 100"));
  bad = good;
  bad.params.scale.pop_back();
  EXPECT_THAT(refusal("head.weight", bad), HasSubstr("has 4 scales, but needs 5"));
  bad = good;
  bad.params.zero_point[2] = 3;
  EXPECT_THAT(refusal("head.weight", bad),
              HasSubstr("zero point 3; 3 bits symmetric allow only 4"));
  bad = good;
  bad.params.granularity.axis = 2;
  EXPECT_THAT(refusal("head.weight", bad), HasSubstr("along axis 2, which it does not have"));
}

}  // namespace
}  // namespace ompq::onnx_io
