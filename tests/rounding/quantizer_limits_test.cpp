#include "ompq/rounding/quantizer_limits.h"

#include <cmath>
#include <vector>

#include <gtest/gtest.h>

#include "ompq/graph/operator_traits.h"
#include "support/graph_builder.h"

namespace ompq::rounding {
namespace {

using graph::Dim;
using graph::Graph;

/// conv a -> Clip(-2, 6) -> MaxPool -> conv b -> Relu -> conv c -> Add -> conv d
struct Network {
  Graph graph;
  std::vector<graph::Layer> layers;
  ActivationQuantizers quantizers;

  [[nodiscard]] graph::ValueId value(const char* name) const { return graph.find_value(name); }
};

Network network(int bits) {
  testing::GraphBuilder builder("limits");
  const auto x = builder.input("x", {Dim::batch(), Dim::fixed(3), Dim::fixed(8), Dim::fixed(8)});
  const auto a = builder.clip("clip", builder.conv("a", x, {.out = 4, .kernel = 3}), -2.0F, 6.0F);
  const auto pool = builder.max_pool("pool", a, 2, 2, 0);
  const auto b = builder.relu("relu", builder.conv("b", pool, {.out = 4, .kernel = 3}));
  const auto sum = builder.add("add", b, builder.conv("c", b, {.out = 4, .kernel = 3}));
  Network made;
  made.graph = builder.finish({builder.conv("d", sum, {.out = 4, .kernel = 1})});
  made.layers = graph::discover(made.graph).layers;
  const quant::QuantParams params{.bits = BitWidth(bits), .scale = {0.02F}, .zero_point = {3}};
  for (const char* name :
       {"x", "clip_output", "pool_output", "relu_output", "c_output", "add_output"}) {
    made.quantizers.emplace(made.value(name), params);
  }
  return made;
}

TEST(QuantizerLimits, NameTheValuesThatRepeatAnotherQuantizer) {
  const Network net = network(8);
  const auto limits =
      quantizer_limits(net.graph, net.layers, net.quantizers, targets::target("onnxruntime"));
  ASSERT_EQ(limits.same_as.size(), 1U);
  EXPECT_EQ(limits.source(net.value("pool_output")), net.value("clip_output"));
  EXPECT_EQ(limits.source(net.value("add_output")), net.value("add_output"));
  EXPECT_TRUE(limits.is_on_grid(net.value("pool_output"))) << "a pool moves codes";
  EXPECT_FALSE(limits.is_on_grid(net.value("clip_output")));
}

/// Otherwise the clipping stays in the file, and the layer before it in float.
TEST(QuantizerLimits, KeepScalesWithWhichTheQuantizerPerformsTheClipping) {
  for (const int bits : {2, 4, 8}) {
    const Network net = network(bits);
    const auto limits =
        quantizer_limits(net.graph, net.layers, net.quantizers, targets::target("onnxruntime"));
    const graph::ValueId clip = net.value("clip_output");
    const float largest = limits.rule(clip).largest;
    ASSERT_TRUE(std::isfinite(largest));
    const float above = static_cast<float>((1 << bits) - 1 - 3);
    EXPECT_TRUE(graph::performs(largest, -3.0F, above, {-2.0F, 6.0F})) << bits;
    EXPECT_FALSE(graph::performs(2.0F * largest, -3.0F, above, {-2.0F, 6.0F})) << bits;
    EXPECT_FALSE(std::isfinite(limits.rule(net.value("add_output")).largest));
    EXPECT_FALSE(std::isfinite(limits.rule(net.value("x")).largest));
  }
}

TEST(QuantizerLimits, AreNoneForFloatKernels) {
  const Network net = network(8);
  const auto limits =
      quantizer_limits(net.graph, net.layers, net.quantizers, targets::target("exact"));
  EXPECT_TRUE(limits.same_as.empty());
  EXPECT_TRUE(limits.rule(net.value("x")).is_short);
}

/// conv a -> Clip(0, 6), conv b -> Clip(0, 6) -> Concat: all with the quantizer of the result.
TEST(QuantizerLimits, KeepACommonScaleWithinTheClippingOfItsOperands) {
  testing::GraphBuilder builder("joined");
  const auto x = builder.input("x", {Dim::batch(), Dim::fixed(3), Dim::fixed(8), Dim::fixed(8)});
  const auto a = builder.clip("six", builder.conv("a", x, {.out = 4}), 0.0F, 6.0F);
  const auto b = builder.clip("six_too", builder.conv("b", x, {.out = 4}), 0.0F, 6.0F);
  const Graph graph =
      builder.finish({builder.conv("c", builder.concat("both", {a, b}, 1), {.out = 2})});
  ActivationQuantizers quantizers;
  for (const char* name : {"x", "six_output", "six_too_output", "both_output"}) {
    quantizers[graph.find_value(name)] = {.bits = BitWidth(8), .scale = {0.02F}, .zero_point = {0}};
  }
  const auto limits = quantizer_limits(
      graph, graph::discover(graph).layers, quantizers, targets::target("onnxruntime"));
  const graph::ValueId both = graph.find_value("both_output");
  EXPECT_EQ(limits.source(graph.find_value("six_output")), both);
  EXPECT_EQ(limits.source(graph.find_value("six_too_output")), both);
  EXPECT_FALSE(limits.is_on_grid(graph.find_value("six_output"))) << "it is rounded by itself";
  EXPECT_EQ(limits.rule(both).largest, 6.0F / 255.0F);
}

/// LiteRT's pools average within one quantizer, and TensorRT has no zero points.
TEST(QuantizerLimits, FollowTheRulesOfOtherTargets) {
  const Network net = network(8);
  const auto tensorrt =
      quantizer_limits(net.graph, net.layers, net.quantizers, targets::target("tensorrt"));
  EXPECT_TRUE(tensorrt.rule(net.value("clip_output")).keeps_zero_point);
  EXPECT_FALSE(std::isfinite(tensorrt.rule(net.value("clip_output")).largest))
      << "the clipping stays in its files";
  testing::GraphBuilder builder("scores");
  const auto x = builder.input("x", {Dim::batch(), Dim::fixed(8)});
  const auto scores = builder.unary("Sigmoid", "scores", builder.gemm("a", x, 8));
  const Graph graph = builder.finish({builder.gemm("b", scores, 2)});
  ActivationQuantizers quantizers;
  const graph::ValueId value = graph.find_value("scores_output");
  for (const graph::Layer& layer : graph::discover(graph).layers) {
    quantizers[layer.activation] = {.bits = BitWidth(8), .scale = {1.0F / 256}, .zero_point = {0}};
  }
  const auto litert =
      quantizer_limits(graph, graph::discover(graph).layers, quantizers, targets::target("litert"));
  EXPECT_EQ(litert.fixed.count(value), 1U);
  EXPECT_EQ(litert.rule(value).apply(0.3F), 1.0F / 256);
}

TEST(ScaleRule, MakesScalesShortForFloatKernelsAndKeepsThemBelowTheLimit) {
  EXPECT_EQ(ScaleRule{}.apply(1.0F / 3.0F), 21.0F / 64.0F);
  EXPECT_EQ((ScaleRule{.is_short = false}.apply(1.0F / 3.0F)), 1.0F / 3.0F);
  const ScaleRule limited{.largest = 0.0244F};
  EXPECT_EQ(limited.apply(0.0244F), 0.0244F) << "the next short scale is larger";
  EXPECT_EQ(limited.apply(0.015625F), 0.015625F);
}

}  // namespace
}  // namespace ompq::rounding
