#include "ompq/pipeline/quantized_layer.h"

#include <functional>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ompq/core/error.h"
#include "ompq/pipeline/network.h"
#include "pipeline/small_model.h"

namespace ompq::pipeline {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

class FindLayers : public ::testing::TestWithParam<std::string> {
 protected:
  /// Inputs of conv2 (8 bits) and fc (4 bits, so with a Clip) quantized, the others float.
  FindLayers() {
    const auto& layers = model_.discovery.layers;
    rounding::ActivationQuantizers activations;
    activations[layers[1].input] = {.bits = BitWidth(8), .scale = {0.125F}, .zero_point = {0}};
    activations[layers[4].input] = {.bits = BitWidth(4), .scale = {0.125F}, .zero_point = {0}};
    graph_ =
        quantize_network(model_, std::vector<int>(5, 4), activations, {.target = GetParam()}).graph;
  }
  [[nodiscard]] std::vector<QuantizedLayer> found() const {
    return find_layers(model_.graph, model_.discovery.layers, graph_);
  }
  [[nodiscard]] std::string refusal() const {
    try {
      (void)found();
    } catch (const ConfigError& error) {
      return error.what();
    }
    return "";
  }

  Model model_ = small_model();
  graph::Graph graph_;
};

TEST_P(FindLayers, FollowsQuantizersFromTheValueThatTheFloatLayerReads) {
  const auto layers = found();
  ASSERT_EQ(layers.size(), 5U);
  for (std::size_t l = 0; l < 5; ++l) {
    const graph::Layer& ours = model_.discovery.layers[l];
    EXPECT_EQ(graph_.node(layers[l].node).name, ours.node_name);
    EXPECT_EQ(graph_.value(layers[l].source).name, model_.graph.value(ours.input).name);
    EXPECT_EQ(graph_.value(layers[l].weight).name, model_.graph.value(ours.weight).name);
  }
  EXPECT_THAT(layers[0].quantizer, IsEmpty());
  EXPECT_EQ(layers[0].input, layers[0].source);
  ASSERT_EQ(layers[1].quantizer.size(), 2U);
  ASSERT_EQ(layers[4].quantizer.size(), 3U);
  const bool clips_codes = GetParam() != "exact";
  EXPECT_TRUE(graph_.node(layers[4].quantizer[clips_codes ? 1 : 0]).is("Clip"));
  EXPECT_TRUE(graph_.node(layers[4].quantizer[clips_codes ? 0 : 1]).is("QuantizeLinear"));
  EXPECT_EQ(graph_.node(layers[4].quantizer[2]).outputs.front(), layers[4].input);
}

TEST_P(FindLayers, NamesALayerThatIsNotThere) {
  for (std::size_t n = 0; n < graph_.nodes().size(); ++n) {
    graph::Node& node = graph_.mutable_node(static_cast<graph::NodeId>(n));
    if (node.name == "conv3") node.op_type = "ConvTranspose";
  }
  EXPECT_THAT(refusal(), HasSubstr("layer 'conv3' is not in the quantized network"));
}

TEST_P(FindLayers, NamesALayerThatReadsAnotherValue) {
  const auto layers = found();
  graph_.mutable_node(layers[2].node).inputs[0] = layers[1].source;
  EXPECT_THAT(refusal(), HasSubstr("layer 'conv3' reads another value"));
}

TEST_P(FindLayers, NamesALayerWhoseWeightIsComputed) {
  graph_.mutable_value(found()[3].weight).constant.reset();
  EXPECT_THAT(refusal(), HasSubstr("layer 'depthwise' has no constant weight"));
}

TEST_P(FindLayers, NamesAValueThatIsNotThere) {
  testing::GraphBuilder builder("other");
  const graph::Graph other =
      builder.finish({builder.relu("r", builder.input("elsewhere", {graph::Dim::fixed(1)}))});
  try {
    (void)same_value(model_.graph, model_.graph.inputs().front(), other);
    FAIL() << "there is no 'x'";
  } catch (const ConfigError& error) {
    EXPECT_THAT(error.what(), HasSubstr("has no value 'x'"));
  }
}

INSTANTIATE_TEST_SUITE_P(Kernels,
                         FindLayers,
                         ::testing::Values("exact", "onnxruntime"),
                         [](const auto& tested) { return tested.param; });

}  // namespace
}  // namespace ompq::pipeline
