#include "ompq/graph/layer_function.h"

#include <cstddef>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ompq/graph/fuse_quantizers.h"
#include "ompq/graph/uses.h"
#include "support/graph_builder.h"
#include "support/zoo.h"

namespace ompq::graph {
namespace {

using ::testing::ElementsAre;
using testing::GraphBuilder;
using ::testing::IsEmpty;
namespace zoo = testing::zoo;

const Shape kFourChannels{Dim::batch(), Dim::fixed(4), Dim::fixed(8), Dim::fixed(8)};

NodeId node_id(const Graph& graph, std::string_view name) {
  for (std::size_t i = 0; i < graph.nodes().size(); ++i) {
    if (graph.nodes()[i].name == name) return static_cast<NodeId>(i);
  }
  throw std::runtime_error("no node is named " + std::string(name));
}

LayerFunction function_of(const Graph& graph, std::string_view layer) {
  return layer_function(graph, Uses(graph), node_id(graph, layer));
}

std::string feature_of(const Graph& graph, std::string_view layer) {
  return graph.value(function_of(graph, layer).feature).name;
}

std::vector<std::string> names_of(const Graph& graph, const std::vector<NodeId>& nodes) {
  std::vector<std::string> names;
  for (const NodeId id : nodes) names.push_back(graph.node(id).name);
  return names;
}

/// The name of the feature of convolution "conv", whose output `follow` reads.
template <typename Follow>
std::string feature_after_conv(Follow follow) {
  GraphBuilder b("conv_then");
  const ValueId x = b.conv("conv", b.input("input", kFourChannels), {.out = 4, .kernel = 3});
  return feature_of(b.finish({follow(b, x)}), "conv");
}

TEST(LayerFunction, EndsAtTheOperatorWhereNothingBelongsToIt) {
  EXPECT_EQ(
      feature_after_conv([](GraphBuilder& b, ValueId x) { return b.max_pool("p", x, 2, 2, 0); }),
      "conv_output");
}

TEST(LayerFunction, TakesNormAndActivation) {
  for (const std::string type : {"Relu", "Sigmoid", "HardSwish", "LeakyRelu", "Tanh", "Elu"}) {
    EXPECT_EQ(feature_after_conv([&](GraphBuilder& b, ValueId x) {
                return b.max_pool("p", b.unary(type, "act", b.norm("norm", x)), 2, 2, 0);
              }),
              "act_output")
        << type;
  }
}

TEST(LayerFunction, TakesOneActivationAlone) {
  EXPECT_EQ(feature_after_conv([](GraphBuilder& b, ValueId x) {
              return b.unary("Sigmoid", "second", b.relu("first", x));
            }),
            "first_output");
}

TEST(LayerFunction, TakesARelu6WrittenAsReluAndMin) {
  EXPECT_EQ(feature_after_conv([](GraphBuilder& b, ValueId x) {
              const ValueId six = b.constant("six", Tensor::scalar(6.0F));
              return b.binary("Min", "min", b.relu("relu", x), six);
            }),
            "min_output");
}

TEST(LayerFunction, TakesActivationsThatReadTheirArgumentTwice) {
  const auto number = [](GraphBuilder& b, float value) {
    return b.constant("number_" + std::to_string(value), Tensor::scalar(value));
  };
  EXPECT_EQ(feature_after_conv([](GraphBuilder& b, ValueId x) {
              return b.binary("Mul", "silu", b.unary("Sigmoid", "gate", x), x);
            }),
            "silu_output");
  EXPECT_EQ(feature_after_conv([&](GraphBuilder& b, ValueId x) {  // hard swish in parts
              ValueId y = b.add("shift", x, number(b, 3.0F));
              y = b.binary("Mul", "mul", x, b.clip("clip", y, 0.0F, 6.0F));
              return b.binary("Div", "div", y, number(b, 6.0F));
            }),
            "div_output");
  EXPECT_EQ(feature_after_conv([&](GraphBuilder& b, ValueId x) {  // GELU, halved first
              const ValueId half = b.binary("Mul", "half", x, number(b, 0.5F));
              ValueId y = b.unary("Erf", "erf", b.binary("Div", "div", x, number(b, 1.4142F)));
              y = b.add("one_more", y, number(b, 1.0F));
              return b.binary("Mul", "gelu", half, y);
            }),
            "gelu_output");
  EXPECT_EQ(feature_after_conv([](GraphBuilder& b, ValueId x) {  // Mish
              const ValueId y = b.unary("Tanh", "tanh", b.unary("Softplus", "softplus", x));
              return b.binary("Mul", "mish", x, y);
            }),
            "mish_output");
}

TEST(LayerFunction, DoesNotTakeAGateThatLooksAtTheWholeImage) {
  const Graph graph = zoo::efficient_net();
  EXPECT_EQ(feature_of(graph, "block0.depthwise"), "block0.act2.mul_output");
}

TEST(LayerFunction, TakesTheResidualAddAndItsActivation) {
  const Graph graph = zoo::resnet18({.image_size = 32, .classes = 10, .width = 0.125});
  EXPECT_EQ(feature_of(graph, "layer1.0.conv1"), "layer1.0.relu_output");
  EXPECT_EQ(feature_of(graph, "layer1.0.conv2"), "layer1.0.relu_1_output");
  EXPECT_EQ(feature_of(graph, "layer2.0.downsample.0"), "layer2.0.relu_1_output");
}

TEST(LayerFunction, TakesTheLinearOutputOfAnInvertedResidual) {
  const Graph graph = zoo::mobilenet_v2({.image_size = 32, .classes = 10, .width = 0.25});
  EXPECT_EQ(feature_of(graph, "features.3.conv.0.0"), "features.3.conv.0.2_output");
  EXPECT_EQ(feature_of(graph, "features.3.conv.1.0"), "features.3.conv.1.2_output");
  EXPECT_EQ(feature_of(graph, "features.3.conv.2"), "features.3.conv.add_output");
  EXPECT_EQ(feature_of(graph, "features.2.conv.2"), "features.2.conv.3_output");
}

TEST(LayerFunction, StopsAtAValueWithAnotherReader) {
  EXPECT_EQ(feature_after_conv([](GraphBuilder& b, ValueId x) {
              return b.add("add", b.relu("relu", x), b.max_pool("p", x, 1, 1, 0));
            }),
            "conv_output");
}

TEST(LayerFunction, StopsAtANetworkOutput) {
  GraphBuilder b("shown");
  const ValueId x = b.conv("conv", b.input("input", kFourChannels), {.out = 4});
  EXPECT_EQ(feature_of(b.finish({x, b.relu("relu", x)}), "conv"), "conv_output");
}

TEST(LayerFunction, LooksThroughWhatLeavesElementsAlone) {
  for (const std::string type : {"Identity", "Dropout"}) {
    EXPECT_EQ(feature_after_conv([&](GraphBuilder& b, ValueId x) {
                x = b.norm("norm", b.unary(type, "between", x));
                return b.relu("relu", b.unary(type, "again", x));
              }),
              "relu_output")
        << type;
  }
  EXPECT_EQ(feature_after_conv([](GraphBuilder& b, ValueId x) {
              return b.relu("relu", b.pad("pad", b.norm("norm", x), {0, 1, 1, 0}));
            }),
            "relu_output");
  EXPECT_EQ(feature_after_conv([](GraphBuilder& b, ValueId x) {
              const Shape flat{Dim::batch(), Dim::fixed(4), Dim::fixed(64)};
              x = b.transpose("transpose", b.reshape("reshape", x, {0, 4, 64}, flat), {0, 2, 1});
              return b.relu("relu", x);
            }),
            "relu_output");
}

TEST(LayerFunction, LooksThroughQuantizersOfAnAlreadyQuantizedNetwork) {
  GraphBuilder b("quantized");
  const ValueId input = b.quantize_dequantize("q0", b.input("input", kFourChannels), 0.1F, 128);
  ValueId x = b.conv("conv", input, {.out = 4, .bias = true});
  x = b.quantize_dequantize("q1", x, 0.1F, 128);
  x = b.relu("relu", b.add("add", x, input));
  x = b.quantize_dequantize("q2", x, 0.1F, 0);
  Graph graph = b.finish({b.conv("next", x, {.out = 4})});
  EXPECT_EQ(feature_of(graph, "conv"), "relu_output");
  EXPECT_EQ(fuse_quantizers(graph, {}), 3);
  EXPECT_EQ(feature_of(graph, "conv"), "relu_output");
}

TEST(LayerFunction, AddsAConstantPerChannelButNoConstantImage) {
  const auto with_addend = [](std::vector<std::int64_t> shape) {
    return feature_after_conv([&](GraphBuilder& b, ValueId x) {
      return b.relu("relu", b.add("add", x, b.normal_constant("addend", shape, 1.0)));
    });
  };
  EXPECT_EQ(with_addend({4, 1, 1}), "relu_output");
  EXPECT_EQ(with_addend({4, 8, 8}), "conv_output");
}

TEST(LayerFunction, ListsItsNodesAndThoseBeforeTheAdd) {
  GraphBuilder b("residual");
  const ValueId input = b.input("input", kFourChannels);
  const ValueId conv = b.conv("conv", input, {.out = 4, .kernel = 3});
  const ValueId x = b.relu("inner", b.unary("Identity", "between", b.norm("norm", conv)));
  const Graph graph =
      b.finish({b.max_pool("pool", b.relu("outer", b.add("add", x, input)), 2, 2, 0)});
  const LayerFunction function = function_of(graph, "conv");
  EXPECT_THAT(names_of(graph, function.nodes),
              ElementsAre("conv", "norm", "between", "inner", "add", "outer"));
  EXPECT_EQ(function.nodes_before_add, 4U);
  EXPECT_EQ(graph.value(function.before_add).name, "inner_output");
  EXPECT_EQ(graph.node(function.residual).name, "add");
  EXPECT_TRUE(function.has_batch_norm);
  EXPECT_TRUE(function.activated_before_add);
  EXPECT_TRUE(function.activated);
  EXPECT_THAT(names_of(graph, activation_after(graph, Uses(graph), node_id(graph, "add"))),
              ElementsAre("outer"));
}

TEST(LayerFunction, OfAMatMulHasTheBiasAfterIt) {
  GraphBuilder b("linear");
  const ValueId x = b.input("input", {Dim::batch(), Dim::fixed(3), Dim::fixed(4)});
  const Graph graph =
      b.finish({b.linear("second", b.relu("relu", b.linear("first", x, 5)), 2, false)});
  const LayerFunction first = function_of(graph, "first");
  EXPECT_EQ(first.bias, graph.find_value("first.bias"));
  EXPECT_THAT(names_of(graph, first.nodes), ElementsAre("first", "first.add", "relu"));
  EXPECT_EQ(first.before_add, first.feature);
  EXPECT_EQ(first.residual, kNoNode);
  const LayerFunction second = function_of(graph, "second");
  EXPECT_EQ(second.bias, kNoValue);
  EXPECT_FALSE(second.activated || second.has_batch_norm);
}

TEST(ActivationAfter, IsEmptyWithoutOne) {
  GraphBuilder b("sum");
  const ValueId input = b.input("input", kFourChannels);
  const ValueId sum = b.add("add", b.conv("conv", input, {.out = 4}), input);
  const Graph graph = b.finish({b.max_pool("pool", sum, 2, 2, 0)});
  EXPECT_THAT(activation_after(graph, Uses(graph), node_id(graph, "add")), IsEmpty());
}

TEST(MainOutput, IsTheFirstThatIsUsed) {
  Graph graph;
  const ValueId x = graph.add_input("x", DataType::Float32, {Dim::batch()});
  const ValueId all = graph.add_op({.name = "lstm", .op_type = "LSTM", .inputs = {x}}, 2);
  const ValueId last = graph.node(0).outputs[1];
  EXPECT_EQ(main_output(graph, graph.node(0)), all) << "neither is used";
  graph.mark_output(last);
  EXPECT_EQ(main_output(graph, graph.node(0)), last);
  graph.add_op({.name = "relu", .op_type = "Relu", .inputs = {all}});
  EXPECT_EQ(main_output(graph, graph.node(0)), all);
}
}  // namespace
}  // namespace ompq::graph
