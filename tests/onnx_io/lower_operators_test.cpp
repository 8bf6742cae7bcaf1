#include "ompq/onnx_io/lower_operators.h"

#include <map>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

// The form of what is left; tests/ops/lowered_test.cpp compares results with ONNX Runtime.

namespace ompq::onnx_io {
namespace {

using graph::Attribute;
using graph::Graph;
using graph::kNoValue;
using graph::Node;
using graph::ValueId;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

/// A network of one node "n" of com.microsoft.
struct Fused {
  Graph graph;
  ValueId x = graph.add_input("x", DataType::Float32, graph::fixed_shape({2, 3}));

  ValueId constant(std::vector<std::int64_t> shape = {3}) {
    return graph.add_constant("c", Tensor(DataType::Float32, std::move(shape)));
  }
  ValueId add(const std::string& type,
              std::vector<ValueId> inputs,
              std::map<std::string, Attribute> attributes = {},
              const std::string& domain = "com.microsoft") {
    const ValueId made =
        graph.add_op({"n", type, domain, std::move(inputs), {}, std::move(attributes)});
    graph.mark_output(made);
    return made;
  }
  void lower() {
    lower_operators(graph);
    for (const Node& node : graph.nodes()) names.push_back(node.name + " " + node.op_type);
  }
  std::vector<std::string> names;  ///< "name operator" of each node after lower()
};

TEST(LowerOperators, KeepsTheNameOfTheProductAndOfTheResult) {
  Fused net;
  const ValueId y = net.add("FusedConv",
                            {net.x, net.constant(), net.constant()},
                            {{"activation", std::string("LeakyRelu")},
                             {"activation_params", std::vector<float>{0.25F}},
                             {"pads", std::vector<std::int64_t>{1, 1}}});
  net.lower();
  EXPECT_THAT(net.names, ElementsAre("n Conv", "n_activation LeakyRelu"));
  const Node& conv = net.graph.nodes()[0];
  EXPECT_EQ(conv.domain, "");
  EXPECT_EQ(conv.inputs.size(), 3U);
  EXPECT_FALSE(conv.has_attribute("activation") || conv.has_attribute("activation_params"));
  EXPECT_THAT(conv.ints_attribute("pads", {}), ElementsAre(1, 1));
  const Node& activation = net.graph.nodes()[1];
  EXPECT_EQ(activation.float_attribute("alpha", 0), 0.25F);
  EXPECT_THAT(activation.inputs, ElementsAre(conv.outputs[0]));
  EXPECT_THAT(activation.outputs, ElementsAre(y));
}

TEST(LowerOperators, PassesTheParametersOfTheActivation) {
  Fused net;
  net.add("FusedGemm",
          {net.x, net.constant({3, 3})},
          {{"activation", std::string("HardSigmoid")},
           {"activation_alpha", 0.125F},
           {"activation_beta", 0.5F},
           {"transB", std::int64_t{1}}});
  net.lower();
  EXPECT_THAT(net.names, ElementsAre("n Gemm", "n_activation HardSigmoid"));
  EXPECT_EQ(net.graph.nodes()[0].int_attribute("transB", 0), 1);
  EXPECT_EQ(net.graph.nodes()[1].float_attribute("alpha", 0), 0.125F);
  EXPECT_EQ(net.graph.nodes()[1].float_attribute("beta", 0), 0.5F);
}

TEST(LowerOperators, WritesTheBoundsOfAClipAsTheOpsetHasThem) {
  for (const int opset : {10, 11}) {
    Fused net;
    net.graph.opset = opset;
    net.add(
        "FusedConv",
        {net.x, net.constant()},
        {{"activation", std::string("Clip")}, {"activation_params", std::vector<float>{-1, 6}}});
    net.lower();
    ASSERT_THAT(net.names, ElementsAre("n Conv", "n_activation Clip"));
    const Node& clip = net.graph.nodes()[1];
    if (opset == 10) {
      EXPECT_EQ(clip.inputs.size(), 1U);
      EXPECT_EQ(clip.float_attribute("min", 0), -1);
      EXPECT_EQ(clip.float_attribute("max", 0), 6);
    } else {
      ASSERT_EQ(clip.inputs.size(), 3U);
      EXPECT_TRUE(net.graph.value(clip.inputs[1]).constant->equals(Tensor::scalar(-1.0F)));
      EXPECT_TRUE(net.graph.value(clip.inputs[2]).constant->equals(Tensor::scalar(6.0F)));
      EXPECT_FALSE(clip.has_attribute("min"));
    }
  }
}

TEST(LowerOperators, AddsTheResidualOfAConvolutionWithoutBias) {
  Fused net;
  net.add(
      "FusedConv", {net.x, net.constant(), kNoValue, net.x}, {{"activation", std::string("Relu")}});
  net.lower();
  EXPECT_THAT(net.names, ElementsAre("n Conv", "n_sum Add", "n_activation Relu"));
  EXPECT_EQ(net.graph.nodes()[0].inputs.size(), 2U);
  EXPECT_EQ(net.graph.nodes()[1].inputs[1], net.x);
}

TEST(LowerOperators, TurnsAConstantRightOperand) {
  Fused net;
  net.add("FusedMatMul", {net.x, net.constant({4, 3})}, {{"transB", std::int64_t{1}}});
  net.lower();
  EXPECT_THAT(net.names, ElementsAre("n_weight Transpose", "n MatMul"));
  EXPECT_THAT(net.graph.nodes()[0].ints_attribute("perm", {}), ElementsAre(1, 0));
  EXPECT_THAT(net.graph.nodes()[1].attributes, IsEmpty());
}

TEST(LowerOperators, ReturnsTheSumBeforeANormThatIsRead) {
  Fused net;
  const ValueId sum = net.graph.add_value({.name = "sum"});
  const ValueId y = net.graph.add_value({.name = "y"});
  net.graph.add_node({"n",
                      "SkipLayerNormalization",
                      "com.microsoft",
                      {net.x, net.x, net.constant()},
                      {y, kNoValue, kNoValue, sum},
                      {{"epsilon", 0.5F}}});
  net.graph.mark_output(y);
  net.graph.mark_output(sum);
  net.lower();
  EXPECT_THAT(net.names, ElementsAre("n_sum Add", "n LayerNormalization"));
  EXPECT_THAT(net.graph.nodes()[0].outputs, ElementsAre(sum));
  const Node& norm = net.graph.nodes()[1];
  EXPECT_EQ(norm.inputs[0], sum);
  EXPECT_THAT(norm.outputs, ElementsAre(y));
  EXPECT_EQ(norm.float_attribute("epsilon", 0), 0.5F);
  EXPECT_EQ(norm.int_attribute("axis", 0), -1);
}

TEST(LowerOperators, AddsTheBiasBeforeAGelu) {
  Fused net;
  net.add("BiasGelu", {net.x, net.constant()});
  net.lower();
  EXPECT_THAT(net.names, ElementsAre("n_bias Add", "n Gelu"));
}

TEST(LowerOperators, LeavesNodesWithoutSuchAForm) {
  const auto left = [](const std::string& type,
                       std::vector<std::int64_t> operands,
                       std::map<std::string, Attribute> attributes,
                       const std::string& domain = "com.microsoft") {
    Fused net;  // 0: the input x, 1: a constant
    std::vector<ValueId> inputs;
    for (const std::int64_t kind : operands) {
      inputs.push_back(kind == 0 ? net.x : net.constant({3, 3}));
    }
    net.add(type, std::move(inputs), std::move(attributes), domain);
    net.lower();
    return net.names == std::vector<std::string>{"n " + type} &&
           net.graph.nodes()[0].domain == domain;
  };
  EXPECT_TRUE(left("FusedConv", {0, 1}, {{"activation", std::string("Frob")}}));
  EXPECT_TRUE(left("FusedConv", {0, 1}, {{"activation", std::string("Relu")}}, "com.example"));
  EXPECT_TRUE(left("FusedMatMul", {0, 0}, {})) << "two activations";
  EXPECT_TRUE(left("FusedMatMul", {0, 1}, {{"transA", std::int64_t{1}}}));
  EXPECT_TRUE(left("FastGelu", {0}, {})) << "without a bias";
  EXPECT_TRUE(left("Attention", {0, 1}, {}));
}

TEST(LowerOperators, LeavesANormWhoseMeanIsRead) {
  Fused net;
  const ValueId y = net.graph.add_value({.name = "y"});
  const ValueId mean = net.graph.add_value({.name = "mean"});
  net.graph.add_node({"n",
                      "SkipLayerNormalization",
                      "com.microsoft",
                      {net.x, net.x, net.constant()},
                      {y, mean},
                      {}});
  net.graph.mark_output(y);
  net.lower();
  EXPECT_THAT(net.names, ElementsAre("n SkipLayerNormalization"));
}

}  // namespace
}  // namespace ompq::onnx_io
