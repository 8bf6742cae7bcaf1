#include "ompq/graph/fuse_layers.h"

#include <limits>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "graph/fuse_cases.h"
#include "ompq/graph/passes.h"
#include "support/graph_builder.h"
#include "support/zoo.h"

namespace ompq::graph {
namespace {

using testing::conv_then;
using ::testing::ElementsAre;
using testing::GraphBuilder;
using testing::op_types;
using ::testing::UnorderedElementsAre;

const Shape kImage = testing::fuse_image();

std::string activation(const Node& node) { return node.string_attribute("activation", ""); }

/// A case of fuse_cases.h, fused.
Graph fused_case(const std::string& name) {
  std::vector<testing::FuseCase> cases = testing::fuse_cases();
  for (testing::FuseCase& one : cases) {
    if (one.name != name) continue;
    const std::vector<ValueId> outputs = one.graph.outputs();
    fuse(one.graph);
    one.graph.sort();
    EXPECT_EQ(one.graph.outputs(), outputs) << name;
    return std::move(one.graph);
  }
  ADD_FAILURE() << "no case " << name;
  return Graph();
}

TEST(Fuse, TakesARelu) {
  const Graph graph = fused_case("relu");
  ASSERT_THAT(op_types(graph), ElementsAre("FusedConv"));
  EXPECT_EQ(graph.node(0).domain, "ompq");
  EXPECT_EQ(graph.node(0).name, "conv");
  EXPECT_EQ(graph.node(0).inputs.size(), 3U);
  EXPECT_EQ(activation(graph.node(0)), "Relu");
  EXPECT_EQ(graph.node(0).ints_attribute("kernel_shape", {}), (std::vector<std::int64_t>{3, 3}));
}

TEST(Fuse, TakesTheBoundsOfAClip) {
  const Graph graph = fused_case("clip");
  ASSERT_THAT(op_types(graph), ElementsAre("FusedConv"));
  EXPECT_EQ(graph.node(0).float_attribute("activation_min", 0), -0.5F);
  EXPECT_EQ(graph.node(0).float_attribute("activation_max", 0), 1.5F);
}

TEST(Fuse, TakesAClipWithAttributesOrWithoutABound) {
  Graph graph = conv_then([](GraphBuilder& b, ValueId x) {
    Node clip{.name = "clip", .op_type = "Clip", .inputs = {x}};
    clip.attributes["max"] = 6.0F;
    return b.op(std::move(clip), kImage);
  });
  EXPECT_EQ(fuse(graph), 1);
  EXPECT_EQ(graph.node(0).float_attribute("activation_min", 0),
            -std::numeric_limits<float>::infinity());
  EXPECT_EQ(graph.node(0).float_attribute("activation_max", 0), 6.0F);
}

TEST(Fuse, LeavesAClipWithItsBoundsTheWrongWayRound) {
  const Graph graph = fused_case("crossed clip");
  EXPECT_THAT(op_types(graph), ElementsAre("FusedConv", "Clip"));
}

TEST(Fuse, LeavesAClipWhoseBoundIsComputed) {
  Graph graph = conv_then([](GraphBuilder& b, ValueId x) {
    const ValueId bound = b.op({.name = "bound", .op_type = "ReduceMax", .inputs = {0}}, {});
    return b.op({.name = "clip", .op_type = "Clip", .inputs = {x, bound}}, kImage);
  });
  EXPECT_EQ(fuse(graph), 1);
  EXPECT_THAT(op_types(graph), ElementsAre("FusedConv", "ReduceMax", "Clip"));
}

TEST(Fuse, KnowsEveryActivationByName) {
  for (const std::string type : {"Relu", "Sigmoid", "Tanh", "HardSwish", "LeakyRelu", "Swish"}) {
    Graph graph = conv_then([&](GraphBuilder& b, ValueId x) { return b.unary(type, "act", x); });
    fuse(graph);
    EXPECT_THAT(op_types(graph), ElementsAre("FusedConv")) << type;
    EXPECT_EQ(activation(graph.node(0)), type);
  }
}

TEST(Fuse, KeepsTheSlopeOfALeakyRelu) {
  Graph graph = conv_then([](GraphBuilder& b, ValueId x) {
    Node leaky{.name = "leaky", .op_type = "LeakyRelu", .inputs = {x}};
    leaky.attributes["alpha"] = 0.25F;
    return b.op(std::move(leaky), kImage);
  });
  fuse(graph);
  EXPECT_EQ(graph.node(0).float_attribute("activation_alpha", 0), 0.25F);
}

TEST(Fuse, TakesSwishWrittenAsAProduct) {
  for (const std::string name : {"silu", "swapped silu"}) {
    const Graph graph = fused_case(name);
    ASSERT_THAT(op_types(graph), ElementsAre("FusedConv"));
    EXPECT_EQ(activation(graph.node(0)), "Swish");
  }
}

TEST(Fuse, TakesHardSwishWrittenAsAProductButNoOtherGate) {
  for (const float alpha : {1.0F / 6.0F, 0.2F}) {
    Graph graph = conv_then([&](GraphBuilder& b, ValueId x) {
      Node gate{.name = "gate", .op_type = "HardSigmoid", .inputs = {x}};
      gate.attributes["alpha"] = alpha;
      return b.binary("Mul", "mul", x, b.op(std::move(gate), kImage));
    });
    fuse(graph);
    EXPECT_EQ(activation(graph.node(0)), alpha == 0.2F ? "" : "HardSwish");
    EXPECT_EQ(graph.nodes().size(), alpha == 0.2F ? 3U : 1U);
  }
}

TEST(Fuse, TakesAResidualInEitherOrder) {
  for (const std::string name : {"residual", "swapped residual"}) {
    const Graph graph = fused_case(name);
    ASSERT_THAT(op_types(graph), ElementsAre("FusedConv"));
    EXPECT_EQ(graph.node(0).input(3), graph.inputs()[0]);
    EXPECT_EQ(activation(graph.node(0)), "Relu");
  }
}

TEST(Fuse, GivesAnAddOfTwoConvolutionsToTheLater) {
  const Graph graph = fused_case("two convolutions");
  ASSERT_THAT(op_types(graph), ElementsAre("FusedConv", "FusedConv"));
  EXPECT_EQ(graph.node(1).name, "late");
  EXPECT_EQ(graph.node(1).input(3), graph.node(0).outputs[0]);
  EXPECT_EQ(graph.node(0).inputs.size(), 3U);
}

TEST(Fuse, LeavesAnAddThatBroadcasts) {
  Graph graph = conv_then([](GraphBuilder& b, ValueId x) {
    return b.add("add", x, b.global_average_pool("pool", b.graph().inputs()[0]));
  });
  fuse(graph);
  EXPECT_THAT(op_types(graph), ElementsAre("FusedConv", "GlobalAveragePool", "Add"));
}

TEST(Fuse, LeavesAnAddOfAValueToItself) {
  Graph graph = conv_then([](GraphBuilder& b, ValueId x) { return b.add("add", x, x); });
  fuse(graph);
  EXPECT_THAT(op_types(graph), ElementsAre("FusedConv", "Add"));
}

TEST(Fuse, DoesNotAddAfterAnActivation) {
  const Graph graph = fused_case("add after activation");
  EXPECT_THAT(op_types(graph), ElementsAre("FusedConv", "Add"));
}

TEST(Fuse, StopsAtAValueWithAnotherReader) {
  const Graph graph = fused_case("second reader");
  EXPECT_THAT(op_types(graph), UnorderedElementsAre("FusedConv", "Relu", "Sigmoid", "Add"));
}

TEST(Fuse, StopsAtANetworkOutput) {
  GraphBuilder b("shown");
  const ValueId x = b.conv("conv", b.input("input", kImage), {.out = 4});
  Graph graph = b.finish({b.relu("relu", x), x});
  fuse(graph);
  EXPECT_THAT(op_types(graph), ElementsAre("FusedConv", "Relu"));
}

TEST(Fuse, StopsAtAValueThatIsKept) {
  Graph graph = conv_then([](GraphBuilder& b, ValueId x) { return b.relu("relu", x); });
  const ValueId keep[] = {graph.node(0).outputs[0]};
  fuse(graph, keep);
  EXPECT_THAT(op_types(graph), ElementsAre("FusedConv", "Relu"));
}

TEST(Fuse, LeavesAConvolutionWithAComputedWeight) {
  GraphBuilder b("computed");
  const ValueId x = b.input("input", kImage);
  const ValueId weight = b.input("weight", fixed_shape({4, 4, 1, 1}));
  Graph graph =
      b.finish({b.op({.name = "conv", .op_type = "Conv", .inputs = {x, weight}}, kImage)});
  EXPECT_EQ(fuse(graph), 0);
}

TEST(Fuse, TakesTheBiasAndResidualOfAMatMul) {
  const Graph graph = fused_case("matmul");
  ASSERT_THAT(op_types(graph), ElementsAre("FusedMatMul"));
  EXPECT_EQ(graph.node(0).inputs[2], graph.find_value("linear.bias"));
  EXPECT_EQ(graph.node(0).input(3), graph.inputs()[0]);
}

TEST(Fuse, LeavesAProductOfActivations) {
  GraphBuilder b("attention");
  const ValueId x = b.input("input", {Dim::batch(), Dim::fixed(4), Dim::fixed(4)});
  Graph graph = b.finish({b.matmul("scores", x, x)});
  EXPECT_EQ(fuse(graph), 0);
}

TEST(Fuse, LeavesNoActivationOrAddInWholeNetworks) {
  const testing::zoo::Options tiny{.image_size = 32, .classes = 10, .width = 0.125};
  for (Graph network : {testing::zoo::resnet18(tiny), testing::zoo::mobilenet_v2(tiny)}) {
    fold_batch_norms(network);
    const int made = fuse(network);
    network.sort();
    for (const Node& node : network.nodes()) {
      EXPECT_FALSE(node.is("Add") || node.is("Relu") || node.is("Clip")) << node.name;
    }
    EXPECT_EQ(made, network.name == "resnet18" ? 21 : 53);
  }
}

TEST(FuseLayers, LeavesQuantizersToTheOtherPart) {
  Graph graph = conv_then([](GraphBuilder& b, ValueId x) {
    return b.quantize_dequantize("act", b.relu("relu", x), 0.1F, 0);
  });
  EXPECT_EQ(fuse_layers(graph, {}), 1);
  graph.sort();
  EXPECT_THAT(op_types(graph), ElementsAre("FusedConv", "QuantizeLinear", "DequantizeLinear"));
}
}  // namespace
}  // namespace ompq::graph
