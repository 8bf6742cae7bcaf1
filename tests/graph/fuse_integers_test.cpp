#include "ompq/graph/fuse_integers.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "graph/fuse_cases.h"
#include "ompq/graph/passes.h"
#include "support/graph_builder.h"

namespace ompq::graph {
namespace {

using ::testing::ElementsAre;
using testing::GraphBuilder;
using testing::op_types;

constexpr float kWeightScale = 0.125F;

/// x -> quantizer (0.5, zero point 3) -> "product" of 2 x 3 weights -> what `follow` adds. Weights
/// are `levels` x 1/8, of which the graph knows the levels.
template <typename Follow>
Graph quantized_gemm(const std::vector<std::int8_t>& levels,
                     const std::vector<float>& bias,
                     Follow follow) {
  GraphBuilder b("integers");
  const ValueId x = b.quantize_dequantize(
      "in", b.input("x", {Dim::batch(), Dim::fixed(3)}), /*scale=*/0.5F, /*zero_point=*/3);
  std::vector<float> weights;
  for (const std::int8_t level : levels) weights.push_back(kWeightScale * level);
  const ValueId weight = b.constant("weight", Tensor::from({2, 3}, weights));
  Node gemm{.name = "product",
            .op_type = "Gemm",
            .inputs = {x, weight, b.constant("bias", Tensor::from({2}, bias))}};
  gemm.attributes["transB"] = std::int64_t{1};
  const ValueId y = b.op(std::move(gemm), {Dim::batch(), Dim::fixed(2)});
  Graph graph = b.finish({follow(b, y)});
  graph.mutable_value(weight).levels = std::make_shared<const Levels>(
      Levels{Tensor::from({2, 3}, levels), {kWeightScale, kWeightScale}, 0});
  fuse(graph);
  graph.sort();
  return graph;
}

const std::vector<std::int8_t> kLevels{1, -2, 3, 4, 0, -6};

std::vector<float> input_numbers(const Graph& graph, const Node& node, std::size_t place) {
  return graph.value(node.inputs.at(place)).constant->to_floats();
}

TEST(FuseIntegers, MakesAnIntegerProductWithTheQuantizerOfItsResult) {
  Graph graph = quantized_gemm(kLevels, {0.0625F, -0.125F}, [](GraphBuilder& b, ValueId y) {
    return b.quantize_dequantize("out", b.relu("relu", y), /*scale=*/0.25F, /*zero_point=*/0);
  });
  EXPECT_EQ(fuse_integers(graph), 1);
  ASSERT_THAT(op_types(graph), ElementsAre("FakeQuantize", "IntegerGemm"));
  const Node& node = graph.node(1);
  EXPECT_EQ(node.domain, "ompq");
  EXPECT_THAT(input_numbers(graph, node, 1), ElementsAre(1, -2, 3, 4, 0, -6));
  EXPECT_THAT(input_numbers(graph, node, 2), ElementsAre(1, -2)) << "in units of 0.5 x 0.125";
  EXPECT_THAT(input_numbers(graph, node, 3), ElementsAre(0.25F, 0.25F)) << "0.5 x 0.125 / 0.25";
  EXPECT_EQ(node.int_attribute("rounds", 0), 1);
  EXPECT_EQ(node.float_attribute("input_scale", 0), 0.5F);
  EXPECT_EQ(node.float_attribute("input_low", 0), -3.0F);
  EXPECT_EQ(node.float_attribute("input_high", 0), 252.0F);
  EXPECT_EQ(node.float_attribute("output_scale", 0), 0.25F);
  EXPECT_EQ(node.int_attribute("transB", 0), 1) << "attributes of the operator stay";
  EXPECT_FALSE(node.has_attribute("activation")) << "the quantizer clips at zero";
  EXPECT_EQ(node.outputs, graph.outputs());
}

TEST(FuseIntegers, LeavesTheResultOfAProductWithoutAQuantizerInFloat) {
  Graph graph =
      quantized_gemm(kLevels, {0.0625F, -0.125F}, [](GraphBuilder&, ValueId y) { return y; });
  EXPECT_EQ(fuse_integers(graph), 1);
  const Node& node = graph.node(1);
  EXPECT_EQ(node.int_attribute("rounds", 1), 0);
  EXPECT_THAT(input_numbers(graph, node, 3), ElementsAre(0.0625F, 0.0625F)) << "0.5 x 0.125";
}

TEST(FuseIntegers, LeavesAnActivationThatTheQuantizerDoesNotPerform) {
  Graph graph = quantized_gemm(kLevels, {0, 0}, [](GraphBuilder& b, ValueId y) {
    return b.quantize_dequantize("out", b.relu("relu", y), 0.25F, /*zero_point=*/128);
  });
  EXPECT_EQ(fuse_integers(graph), 1);
  EXPECT_THAT(op_types(graph), ElementsAre("FakeQuantize", "IntegerGemm", "Relu", "FakeQuantize"))
      << "levels below zero are not clipped";
}

TEST(FuseIntegers, LeavesTheNodesAfterAFloatResult) {
  Graph graph = quantized_gemm(kLevels, {0, 0}, [](GraphBuilder& b, ValueId y) {
    return b.unary("Tanh", "tanh", b.add("sum", y, b.input("z", b.shape(y))));
  });
  EXPECT_EQ(fuse_integers(graph), 1);
  EXPECT_THAT(op_types(graph), ElementsAre("FakeQuantize", "IntegerGemm", "Add", "Tanh"));
}

TEST(FuseIntegers, ReadsConstantsThatADequantizerDecodes) {
  GraphBuilder b("constant");
  const Shape row{Dim::batch(), Dim::fixed(2)};
  const ValueId a = b.quantize_dequantize("a", b.input("x", row), 0.5F, 3);
  const ValueId decoded =
      b.op({.name = "decoder",
            .op_type = "DequantizeLinear",
            .inputs = {b.constant("codes", Tensor::from<std::uint8_t>({2}, {9, 1})),
                       b.constant("scale", Tensor::scalar(0.125F)),
                       b.constant("zero", Tensor::scalar<std::uint8_t>(4))}},
           fixed_shape({2}));
  Graph graph = b.finish({b.quantize_dequantize("out", b.binary("Mul", "mul", a, decoded), 1, 7)});
  fuse(graph);
  graph.sort();
  EXPECT_EQ(fuse_integers(graph), 1);
  const auto& node = graph.node(graph.producer(graph.outputs().front()));
  EXPECT_EQ(node.op_type, "IntegerMul");
  EXPECT_EQ(node.float_attribute("b_scale", 0), 0.125F);
  EXPECT_EQ(node.float_attribute("b_low", 0), -4.0F);
  EXPECT_EQ(node.float_attribute("b_high", 0), 251.0F);
}

TEST(FuseIntegers, TakesAProductOfActivationsWithAndWithoutAQuantizer) {
  for (const bool quantized : {true, false}) {
    GraphBuilder b("product");
    const Shape square{Dim::batch(), Dim::fixed(2), Dim::fixed(2)};
    const ValueId x = b.quantize_dequantize("a", b.input("x", square), 0.5F, 3);
    ValueId y = b.matmul("product", x, b.quantize_dequantize("b", b.input("y", square), 0.25F, 1));
    if (quantized) y = b.quantize_dequantize("out", y, 0.75F, 7);
    Graph graph = b.finish({y});
    fuse(graph);
    graph.sort();
    EXPECT_EQ(fuse_integers(graph), 1);
    ASSERT_THAT(op_types(graph),
                ElementsAre("FakeQuantize", "FakeQuantize", "IntegerActivationMatMul"));
    EXPECT_EQ(graph.node(2).int_attribute("rounds", -1), quantized ? 1 : 0);
  }
}

TEST(FuseIntegers, LeavesASoftmaxOverSeveralAxes) {
  for (const int opset : {11, 13}) {
    GraphBuilder b("softmax", 1, opset);
    const Shape picture{Dim::batch(), Dim::fixed(2), Dim::fixed(3)};
    const ValueId x = b.quantize_dequantize("in", b.input("x", picture), 0.5F, 3);
    const ValueId y = b.op({.name = "op",
                            .op_type = "Softmax",
                            .inputs = {x},
                            .attributes = {{"axis", std::int64_t{1}}}},
                           picture);
    Graph graph = b.finish({b.quantize_dequantize("out", y, 0.004F, 0)});
    fuse(graph);
    graph.sort();
    EXPECT_EQ(fuse_integers(graph), opset < 13 ? 0 : 1) << "opset " << opset;
  }
}

TEST(FuseIntegers, LeavesABiasThatIsNoMultiple) {
  Graph graph = quantized_gemm(kLevels, {0.07F, 0}, [](GraphBuilder&, ValueId y) { return y; });
  EXPECT_EQ(fuse_integers(graph), 0);
}

TEST(FuseIntegers, LeavesWeightsThatAreNotTheirLevels) {
  Graph graph = quantized_gemm(kLevels, {0, 0}, [](GraphBuilder&, ValueId y) { return y; });
  const ValueId weight = graph.find_value("weight");
  graph.mutable_value(weight).constant->mutable_data<float>()[4] += 0.01F;
  EXPECT_EQ(fuse_integers(graph), 0);
  graph.mutable_value(weight).levels.reset();
  EXPECT_EQ(fuse_integers(graph), 0);
}

TEST(FuseIntegers, AbsorbsTheQuantizerOfASumUnlessItsInputIsKept) {
  for (const bool kept : {false, true}) {
    GraphBuilder b("sum");
    const Shape row{Dim::batch(), Dim::fixed(4)};
    const ValueId a = b.quantize_dequantize("a", b.input("x", row), 0.5F, 3);
    const ValueId c = b.quantize_dequantize("b", b.input("y", row), 0.25F, 0);
    const ValueId sum = b.add("add", a, c);
    Graph graph = b.finish({b.quantize_dequantize("out", sum, 0.75F, 7)});
    const std::vector<ValueId> keep = kept ? std::vector<ValueId>{sum} : std::vector<ValueId>{};
    fuse(graph, keep);
    graph.sort();
    EXPECT_EQ(fuse_integers(graph, keep), kept ? 0 : 1);
    if (kept) continue;
    ASSERT_THAT(op_types(graph), ElementsAre("FakeQuantize", "FakeQuantize", "IntegerAdd"));
    const Node& node = graph.node(2);
    EXPECT_EQ(node.float_attribute("a_scale", 0), 0.5F);
    EXPECT_EQ(node.float_attribute("a_low", 0), -3.0F);
    EXPECT_EQ(node.float_attribute("b_scale", 0), 0.25F);
    EXPECT_EQ(node.float_attribute("output_scale", 0), 0.75F);
    EXPECT_EQ(node.float_attribute("output_low", 0), -7.0F);
  }
}

TEST(MultiplesOf, HaveAsFewBitsAsPossible) {
  // 56,590,336 is 1,727 x 2^15; its product with a long step is rounded, and so is the quotient.
  const std::vector<float> steps{0x1.85dc0ap-25F, 0x1.f4d11cp-24F, 0x1.85dc0ap-25F, 0.5F};
  const std::vector<float> expected{56590336, -9748480, 1231, -0.0F};
  std::vector<float> bias;
  for (std::size_t c = 0; c < steps.size(); ++c) bias.push_back(expected[c] * steps[c]);
  const auto found = multiples_of(Tensor::from({4}, bias), steps);
  ASSERT_TRUE(found);
  EXPECT_THAT(found->data<float>(), ::testing::ElementsAreArray(expected));
}

TEST(MultiplesOf, AreNoneForOtherNumbersAndMoreThanInt32) {
  EXPECT_FALSE(multiples_of(Tensor::from({1}, std::vector<float>{0.75F}), {0.5F}));
  EXPECT_FALSE(multiples_of(Tensor::from({1}, std::vector<float>{0x1p40F}), {0.5F}));
}

}  // namespace
}  // namespace ompq::graph
