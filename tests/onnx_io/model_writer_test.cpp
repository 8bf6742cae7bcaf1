#include "ompq/onnx_io/model_writer.h"

#include <map>
#include <set>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ompq/core/error.h"
#include "ompq/onnx_io/tensor_proto.h"
#include "ompq/onnx_io/unread_attribute.h"

namespace ompq::onnx_io {
namespace {

using graph::Graph;
using graph::ValueId;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Extents = std::vector<std::int64_t>;

/// x -> Conv (all attributes of an exporter) -> QuantizeLinear -> DequantizeLinear, whose scale is
/// written once for each of four channels.
Graph conv_and_quantizer() {
  Graph graph;
  graph.name = "net";
  const ValueId x = graph.add_input(
      "x",
      DataType::Float32,
      {graph::Dim::batch(), graph::Dim::fixed(2), graph::Dim::fixed(5), graph::Dim::fixed(5)});
  const ValueId w = graph.add_constant("conv.weight", Tensor(DataType::Float32, {4, 2, 3, 3}));
  graph.add_constant("unused", Tensor(DataType::Float32, {3}));
  const ValueId y = graph.add_op({"conv",
                                  "Conv",
                                  "",
                                  {x, w},
                                  {},
                                  {{"group", std::int64_t{1}},
                                   {"kernel_shape", Extents{3, 3}},
                                   {"pads", Extents{1, 1, 1, 1}},
                                   {"strides", Extents{1, 1}},
                                   {"ompq_note", std::int64_t{1}}}});
  const ValueId zero = graph.add_constant("zero", Tensor::scalar(std::uint8_t{7}));
  const ValueId codes = graph.add_op({"q",
                                      "QuantizeLinear",
                                      "",
                                      {y, graph.add_constant("scale", Tensor::scalar(0.5F)), zero},
                                      {},
                                      {}});
  const ValueId scales = graph.add_constant("scales", Tensor::from({4}, std::vector(4, 0.5F)));
  const ValueId zeros =
      graph.add_constant("zeros", Tensor::from({4}, std::vector(4, std::uint8_t{7})));
  graph.mark_output(graph.add_op(
      {"dq", "DequantizeLinear", "", {codes, scales, zeros}, {}, {{"axis", std::int64_t{1}}}}));
  return graph;
}

std::vector<std::string> initializers(const onnx::ModelProto& model) {
  std::vector<std::string> names;
  for (const auto& tensor : model.graph().initializer()) names.push_back(tensor.name());
  return names;
}

std::vector<std::string> attributes_of(const onnx::NodeProto& node) {
  std::vector<std::string> names;
  for (const auto& attribute : node.attribute()) names.push_back(attribute.name());
  return names;
}

TEST(WriteModel, KeepsNamesAndAttributesUnchanged) {
  const onnx::ModelProto model = write_model(conv_and_quantizer(), Style::Full);
  ASSERT_EQ(model.graph().node_size(), 3);
  EXPECT_EQ(model.graph().node(0).name(), "conv");
  EXPECT_EQ(model.graph().node(1).name(), "q");
  EXPECT_THAT(attributes_of(model.graph().node(0)),
              ElementsAre("group", "kernel_shape", "pads", "strides"));
  EXPECT_THAT(initializers(model), ElementsAre("conv.weight", "scale", "zero", "scales", "zeros"));
}

TEST(WriteModel, LeavesOutWhatNoRuntimeReadsIfTerse) {
  const Graph graph = conv_and_quantizer();
  const onnx::ModelProto model = write_model(graph, Style::Short);
  const onnx::NodeProto& conv = model.graph().node(0);
  EXPECT_EQ(conv.name(), "conv");
  EXPECT_THAT(attributes_of(conv), ElementsAre("pads"));
  EXPECT_THAT(conv.input(), ElementsAre("x", "conv.weight"));
  EXPECT_LT(conv.output(0).size(), 3U) << conv.output(0);
  EXPECT_EQ(model.graph().node(1).name(), "") << "a quantizer";
  EXPECT_EQ(model.graph().node_size(), 3);
  EXPECT_EQ(model.graph().output(0).name(), "dq_output");
  EXPECT_LT(model.ByteSizeLong(), write_model(graph, Style::Full).ByteSizeLong());
}

TEST(WriteModel, ExpandsARepeatedScaleIfTersest) {
  const onnx::ModelProto model = write_model(conv_and_quantizer(), Style::Shortest);
  ASSERT_EQ(model.graph().node_size(), 4);
  const onnx::NodeProto& expand = model.graph().node(2);
  EXPECT_EQ(expand.op_type(), "Expand");
  EXPECT_EQ(expand.input(0), model.graph().node(1).input(1)) << "the quantizer's scale";
  const onnx::NodeProto& dequantize = model.graph().node(3);
  EXPECT_EQ(dequantize.input(1), expand.output(0));
  // Four zero points are four bytes, fewer than a node takes.
  EXPECT_NE(dequantize.input(2), model.graph().node(1).input(2));
}

TEST(WriteModel, StatesTheVersionsThatTheNetworkNeeds) {
  Graph graph;
  const ValueId x = graph.add_input("x", DataType::Float32, graph::fixed_shape({1}));
  graph.mark_output(graph.add_op({"n", "Strange", "com.example", {x}, {}, {}}));
  for (const auto& [opset, ir] : std::map<int, int>{{13, 8}, {18, 8}, {19, 9}, {20, 9}, {21, 10}}) {
    graph.opset = opset;
    const onnx::ModelProto model = write_model(graph, Style::Full);
    EXPECT_EQ(model.ir_version(), ir) << opset;
    EXPECT_EQ(model.producer_name(), "ompq");
    ASSERT_EQ(model.opset_import_size(), 2);
    EXPECT_EQ(model.opset_import(0).version(), opset);
    EXPECT_EQ(model.opset_import(1).domain(), "com.example");
  }
}

TEST(WriteModel, WritesEachConstantOnce) {
  Graph graph;
  const ValueId c = graph.add_constant("c", Tensor::scalar(1.0F));
  const ValueId once = graph.add_op({"a", "Neg", "", {c}, {}, {}});
  graph.mark_output(graph.add_op({"b", "Add", "", {once, c}, {}, {}}));
  graph.mark_output(c);
  EXPECT_THAT(initializers(write_model(graph, Style::Full)), ElementsAre("c"));
}

TEST(WriteModel, WritesNarrowCodesSeveralPerByte) {
  Graph graph;
  graph.opset = 21;
  const ValueId codes = graph.add_constant("w", Tensor::from<std::int8_t>({3}, {-8, 0, 7}));
  const ValueId scale = graph.add_constant("s", Tensor::scalar(0.5F));
  graph.mark_output(graph.add_op({"dq", "DequantizeLinear", "", {codes, scale}, {}, {}}));
  const auto weight = [&](const NarrowConstants& narrow) {
    return write_model(graph, Style::Full, {}, narrow).graph().initializer(0);
  };
  EXPECT_EQ(weight({}).raw_data().size(), 3U);
  EXPECT_EQ(weight({{"w", 4}}).raw_data().size(), 2U);
  EXPECT_EQ(narrow_bits(weight({{"w", 4}}).data_type()), 4);
}

TEST(WriteModel, HasTheIrVersionOfItsOpset) {
  // The rows of onnx.helper.VERSION_TABLE; below 19, files keep 8.
  const std::map<int, int> versions{{13, 8},
                                    {18, 8},
                                    {19, 9},
                                    {20, 9},
                                    {21, 10},
                                    {22, 10},
                                    {23, 11},
                                    {24, 12},
                                    {25, 13},
                                    {27, 13},
                                    {28, 14}};
  for (const auto& [opset, version] : versions) {
    Graph graph;
    graph.opset = opset;
    graph.mark_output(graph.add_constant("c", Tensor::scalar(1.0F)));
    EXPECT_EQ(write_model(graph, Style::Full).ir_version(), version) << "opset " << opset;
  }
}

TEST(WriteModel, UnpacksPackedWeightsByNodes) {
  Graph graph;
  const ValueId x =
      graph.add_input("x", DataType::Float32, {graph::Dim::batch(), graph::Dim::fixed(4)});
  const ValueId w = graph.add_constant("fc.weight", Tensor(DataType::Float32, {4, 4}));
  graph.mark_output(graph.add_op({"fc", "MatMul", "", {x, w}, {}, {}}));
  const PackedWeights packed{
      {"fc.weight",
       pack_weight({.params = {.bits = BitWidth(4), .scale = {0.5F}, .zero_point = {3}},
                    .shape = {4, 4},
                    .codes = std::vector<std::uint8_t>(16, 1)},
                   "fc.weight")}};
  const onnx::ModelProto model = write_model(graph, Style::Full, packed);
  const onnx::NodeProto& last = model.graph().node(model.graph().node_size() - 1);
  EXPECT_EQ(last.name(), "fc");
  EXPECT_EQ(last.input(0), "x");
  for (const auto& tensor : model.graph().initializer()) {
    EXPECT_NE(tensor.name(), last.input(1)) << "the weight is computed";
    EXPECT_LT(tensor.name().size(), 3U);
  }
}

TEST(WriteModel, DeclaresOpenExtentsByNames) {
  Graph graph;
  const ValueId x =
      graph.add_input("x", DataType::Float32, {graph::Dim::batch(), graph::Dim::fixed(4)});
  const ValueId y = graph.add_op({"n", "Reshape", "", {x}, {}, {}});
  graph.mutable_value(y).shape = graph::Shape{graph::Dim::batch(2), graph::Dim::fixed(2)};
  graph.mark_output(y);
  const onnx::ModelProto model = write_model(graph, Style::Full);
  const auto& in = model.graph().input(0).type().tensor_type().shape();
  EXPECT_EQ(in.dim(0).dim_param(), "N");
  EXPECT_EQ(in.dim(1).dim_value(), 4);
  EXPECT_EQ(model.graph().output(0).type().tensor_type().shape().dim(0).dim_param(), "2N");
}

TEST(WriteModel, RefusesNodesThatOnnxCannotHold) {
  Graph graph;
  const ValueId x = graph.add_input("x", DataType::Float32, graph::fixed_shape({1}));
  graph.mark_output(graph.add_op(
      {"each", "SequenceMap", "", {x}, {}, {{"body", std::string(kUnreadAttribute)}}}));
  try {
    (void)write_model(graph, Style::Full);
    FAIL() << "nothing was thrown";
  } catch (const UnsupportedOp& error) {
    EXPECT_THAT(error.what(),
                HasSubstr("SequenceMap node 'each' has a sub-network or type in 'body'"));
  }
  graph.mutable_node(0) = {"fused", "FusedConv", "ompq", {x}, graph.nodes()[0].outputs, {}};
  try {
    (void)write_model(graph, Style::Full);
    FAIL() << "nothing was thrown";
  } catch (const InternalError& error) {
    EXPECT_THAT(error.what(), HasSubstr("node 'fused' is the fused FusedConv"));
  }
}

}  // namespace
}  // namespace ompq::onnx_io
