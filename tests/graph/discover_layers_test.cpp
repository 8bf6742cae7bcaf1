#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ompq/core/error.h"
#include "ompq/graph/layers.h"
#include "ompq/graph/passes.h"
#include "support/graph_builder.h"
#include "support/zoo.h"

namespace ompq::graph {
namespace {

using testing::GraphBuilder;
using ::testing::HasSubstr;
using ::testing::ThrowsMessage;
namespace zoo = testing::zoo;

Shape sized_image(std::int64_t channels, std::int64_t size = 8) {
  return {Dim::batch(), Dim::fixed(channels), Dim::fixed(size), Dim::fixed(size)};
}

const Layer& layer_named(const Discovery& found, std::string_view name) {
  for (const Layer& layer : found.layers) {
    if (layer.name == name) return layer;
  }
  throw std::runtime_error("no layer is named " + std::string(name));
}

TEST(DiscoverLayers, CountsAConvolution) {
  GraphBuilder b("conv");
  const ValueId x = b.input("input", sized_image(6, 9));
  const Discovery found = discover(b.finish(
      {b.conv("conv", x, {.out = 8, .kernel = 3, .stride = 2, .groups = 2, .bias = true})}));
  const Layer& layer = found.layers.at(0);
  EXPECT_EQ(layer.op_type, "Conv");
  EXPECT_EQ(layer.weight_axis, 0);
  EXPECT_EQ(layer.out_channels, 8);
  EXPECT_EQ(layer.groups, 2);
  EXPECT_EQ(layer.weight_count, 8 * 3 * 9);
  EXPECT_EQ(layer.bias_count, 8);
  EXPECT_EQ(layer.output_elements, 8 * 5 * 5);
  EXPECT_EQ(layer.macs, 8 * 5 * 5 * 3 * 9);
}

TEST(DiscoverLayers, CountsATransposedConvolution) {
  GraphBuilder b("conv_transpose");
  const ValueId x = b.input("input", sized_image(6, 4));
  const Discovery found = discover(
      b.finish({b.conv_transpose("up", x, {.out = 8, .kernel = 3, .stride = 2, .groups = 2})}));
  const Layer& layer = found.layers.at(0);
  EXPECT_EQ(layer.weight_axis, 1);
  EXPECT_EQ(layer.out_channels, 8);
  EXPECT_EQ(layer.weight_count, 6 * 4 * 9);
  EXPECT_EQ(layer.output_elements, 8 * 9 * 9);
  EXPECT_EQ(layer.macs, 6 * 4 * 4 * (4 * 9));  // each input element meets 4 channels of 9 taps
}

TEST(DiscoverLayers, CountsAGemmInEitherLayout) {
  for (const std::int64_t transposed : {0, 1}) {
    GraphBuilder b("gemm");
    const ValueId x = b.input("input", {Dim::batch(), Dim::fixed(7)});
    const std::vector<std::int64_t> shape =
        transposed != 0 ? std::vector<std::int64_t>{4, 7} : std::vector<std::int64_t>{7, 4};
    Node node{.name = "fc", .op_type = "Gemm"};
    node.inputs = {x, b.normal_constant("weight", shape, 1.0), b.normal_constant("bias", {4}, 1.0)};
    node.attributes["transB"] = transposed;
    const Discovery found =
        discover(b.finish({b.op(std::move(node), {Dim::batch(), Dim::fixed(4)})}));
    const Layer& layer = found.layers.at(0);
    EXPECT_EQ(layer.weight_axis, transposed != 0 ? 0 : 1);
    EXPECT_EQ(layer.out_channels, 4);
    EXPECT_EQ(layer.macs, 28);
    EXPECT_EQ(parameter_count(layer), 28 + 4);
  }
}

TEST(DiscoverLayers, CountsAMatMulWithTheBiasBehindIt) {
  GraphBuilder b("matmul");
  const ValueId x = b.input("input", {Dim::batch(), Dim::fixed(5), Dim::fixed(6)});
  const Graph graph = b.finish({b.relu("relu", b.linear("fc", x, 3))});
  const Layer layer = discover(graph).layers.at(0);
  EXPECT_EQ(layer.weight_axis, 1);
  EXPECT_EQ(layer.bias, graph.find_value("fc.bias"));
  EXPECT_EQ(layer.bias_count, 3);
  EXPECT_EQ(layer.output_elements, 5 * 3);
  EXPECT_EQ(layer.macs, 5 * 3 * 6);
  EXPECT_EQ(graph.value(layer.feature).name, "relu_output");
}

TEST(DiscoverLayers, CountsOneSampleWhereTheBatchIsFixed) {
  GraphBuilder b("fixed");
  const ValueId x = b.input("input", fixed_shape({4, 3, 8, 8}));
  const Layer layer = discover(b.finish({b.conv("conv", x, {.out = 2})})).layers.at(0);
  EXPECT_EQ(layer.output_elements, 2 * 64);
  EXPECT_EQ(layer.macs, 2 * 64 * 3);
}

TEST(DiscoverLayers, AddsUpTheKnownMacsOfResnet50) {
  std::int64_t macs = 0;
  for (const Layer& layer : discover(zoo::resnet50()).layers) macs += layer.macs;
  // 4.09 G with the stride in the 3x3 convolutions: the well-known number of this variant.
  EXPECT_EQ(macs, 4'089'184'256);
}

TEST(DiscoverLayers, CountsNormsFoldedOrNot) {
  Graph graph = zoo::unet();
  const Discovery before = discover(graph);
  fold_batch_norms(graph);
  const Discovery after = discover(graph);
  ASSERT_EQ(before.layers.size(), after.layers.size());
  for (std::size_t i = 0; i < before.layers.size(); ++i) {
    EXPECT_EQ(before.layers[i].norm_count, after.layers[i].norm_count) << before.layers[i].name;
    EXPECT_EQ(before.layers[i].macs, after.layers[i].macs) << before.layers[i].name;
    EXPECT_EQ(before.layers[i].feature_elements, after.layers[i].feature_elements)
        << before.layers[i].name;
  }
  EXPECT_EQ(layer_named(after, "up2.up").norm_count, 0);
  EXPECT_EQ(layer_named(after, "up2.0.conv").norm_count, 2 * 32);
}

TEST(DiscoverLayers, TakesBiasesForFoldedNormsOnlyWhereNoNormIsLeft) {
  const Discovery bare = discover(zoo::squeeze_net());
  EXPECT_EQ(layer_named(bare, "conv1").norm_count, 2 * layer_named(bare, "conv1").out_channels);
  const Discovery transformer = discover(zoo::vision_transformer());
  EXPECT_EQ(layer_named(transformer, "patch_embed.proj").norm_count, 0);
}

TEST(DiscoverLayers, TakesTheBiasOfAClassifierWrittenAsAConvolutionForABias) {
  GraphBuilder b("conv_classifier");
  ValueId x =
      b.conv("conv", b.input("input", sized_image(4)), {.out = 8, .kernel = 3, .bias = true});
  x = b.conv("fc", b.global_average_pool("pool", x), {.out = 3, .bias = true});
  const Discovery found = discover(b.finish({x}));
  EXPECT_FALSE(is_fully_connected(found.layers.at(0)));
  EXPECT_TRUE(is_fully_connected(found.layers.at(1)));
  EXPECT_EQ(parameter_count(found.layers[0]), 8 * 4 * 9 + 2 * 8);
  EXPECT_EQ(parameter_count(found.layers[1]), 3 * 8 + 3);
}

TEST(DiscoverLayers, SaysWhyAnOperatorIsNoLayer) {
  GraphBuilder b("rejected");
  const ValueId x = b.input("input", sized_image(4));
  const ValueId weight = b.input("weight", fixed_shape({4, 4, 1, 1}));
  const ValueId conv =
      b.op({.name = "conv", .op_type = "Conv", .inputs = {x, weight}}, sized_image(4));
  const ValueId product = b.matmul("product", x, conv);
  const ValueId eight = b.normal_constant("eight", {8, 8}, 1.0);
  const ValueId left =
      b.op({.name = "left", .op_type = "MatMul", .inputs = {eight, product}}, sized_image(4));
  const ValueId deep = b.matmul("deep", left, b.normal_constant("deep.weight", {4, 8, 8}, 1.0));
  const ValueId doubles = b.constant("doubles", Tensor(DataType::Float64, {8, 8}));
  const ValueId vector = b.normal_constant("narrow.weight", {8}, 1.0);
  const ValueId narrow = b.op({.name = "narrow", .op_type = "MatMul", .inputs = {deep, vector}},
                              {Dim::batch(), Dim::fixed(4), Dim::fixed(8)});
  const Discovery found = discover(b.finish({b.matmul("wide", deep, doubles), narrow}));
  ASSERT_EQ(found.layers.size(), 1U);
  EXPECT_EQ(found.layers[0].name, "deep");
  std::vector<std::string> reasons;
  for (const NotQuantizable& rejected : found.rejected) reasons.push_back(rejected.reason);
  EXPECT_THAT(reasons,
              ::testing::ElementsAre("its weight is not constant",
                                     "it multiplies two activations",
                                     "its constant is the left operand",
                                     "its weight has shape 8",
                                     "its weight is float64, not float32"));
}

TEST(DiscoverLayers, FindsTheLayersOfATransformerAndNotItsAttention) {
  const Discovery found = discover(zoo::vision_transformer());
  EXPECT_EQ(found.layers.size(), 1U + 2 * 4 + 1);
  ASSERT_EQ(found.rejected.size(), 4U);
  for (const NotQuantizable& rejected : found.rejected) {
    EXPECT_EQ(rejected.reason, "it multiplies two activations");
  }
}

TEST(DiscoverLayers, NeedsShapes) {
  Graph graph;
  const ValueId x = graph.add_input("x", DataType::Float32, sized_image(4));
  const ValueId weight = graph.add_constant("w", Tensor(DataType::Float32, {4, 4, 1, 1}));
  graph.mark_output(graph.add_op({.name = "conv", .op_type = "Conv", .inputs = {x, weight}}));
  EXPECT_THAT([&] { return discover(graph); },
              ThrowsMessage<ShapeError>(HasSubstr("'conv_output' at Conv node 'conv'")));
}

TEST(DiscoverLayers, NeedsNodesInOrder) {
  Graph graph;
  const ValueId late = graph.add_value({"late", DataType::Float32, sized_image(4)});
  graph.add_op({.name = "reader", .op_type = "Relu", .inputs = {late}});
  Node maker{.name = "maker", .op_type = "Relu"};
  maker.inputs = {graph.add_input("x", DataType::Float32, sized_image(4))};
  maker.outputs = {late};
  graph.add_node(std::move(maker));
  EXPECT_THAT(
      [&] { return discover(graph); },
      ThrowsMessage<InternalError>(HasSubstr("'reader' comes before the producer of its input")));
  graph.sort();
  EXPECT_NO_THROW(discover(graph));
}

TEST(DiscoverLayers, IsReadyForAThousandLayers) {
  const Discovery found = discover(zoo::deep_resnet(500, {.image_size = 8, .classes = 10}));
  EXPECT_EQ(found.layers.size(), 1002U);
  EXPECT_EQ(found.blocks.size(), 502U);
}
}  // namespace
}  // namespace ompq::graph
