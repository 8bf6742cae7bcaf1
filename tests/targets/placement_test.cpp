#include "ompq/targets/placement.h"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ompq/core/error.h"
#include "support/graph_builder.h"

namespace ompq::targets {
namespace {

using graph::Dim;
using graph::Graph;
using ::testing::ElementsAre;
using ::testing::UnorderedElementsAre;

graph::Shape image() { return {Dim::batch(), Dim::fixed(4), Dim::fixed(8), Dim::fixed(8)}; }

struct Placed {
  Graph graph;
  Placement places;

  /// "value bits" or "value bits as source", by name.
  [[nodiscard]] std::vector<std::string> texts() const {
    std::vector<std::string> found;
    for (const auto& [value, place] : places) {
      std::string text = graph.value(value).name + " " + std::to_string(place.bits.value());
      if (place.same_as != graph::kNoValue) text += " as " + graph.value(place.same_as).name;
      found.push_back(text);
    }
    return found;
  }
};

/// All layers with activations of `bits` bits.
Placed placed(Graph graph, const std::string& name, int bits = 8) {
  const auto layers = graph::discover(graph).layers;
  Placed result{graph, {}};
  result.places = place_quantizers(
      graph, layers, std::vector<BitWidth>(layers.size(), BitWidth(bits)), target(name));
  return result;
}

/// conv a -> Relu -> [conv b] + -> Relu -> pool -> Flatten -> Gemm
Graph residual() {
  testing::GraphBuilder builder("residual");
  const auto x = builder.input("x", image());
  const auto a = builder.relu("ra", builder.conv("a", x, {.out = 4, .kernel = 3}));
  const auto b = builder.conv("b", a, {.out = 4, .kernel = 3});
  const auto sum = builder.relu("rs", builder.add("add", a, b));
  const auto flat = builder.flatten("flat", builder.global_average_pool("pool", sum));
  return builder.finish({builder.gemm("fc", flat, 3)});
}

TEST(Placement, WithoutIntegerKernelsIsOnTheInputsOfLayers) {
  EXPECT_THAT(placed(residual(), "exact", 6).texts(),
              UnorderedElementsAre("x 6", "ra_output 6", "flat_output 6"));
}

TEST(Placement, WithIntegerKernelsIsAlsoBetweenOperatorsAndAfterRelu) {
  EXPECT_THAT(placed(residual(), "onnxruntime").texts(),
              UnorderedElementsAre("x 8",
                                   "ra_output 8",
                                   "b_output 8",
                                   "rs_output 8",
                                   "pool_output 8",
                                   "flat_output 8 as pool_output"));
}

TEST(Placement, GivesValuesOfOneQuantizerTheWidthOfTheLayersThatReadThem) {
  const auto places = placed(residual(), "onnxruntime", 5);
  EXPECT_THAT(places.texts(),
              UnorderedElementsAre("x 5",
                                   "ra_output 5",
                                   "b_output 8",
                                   "rs_output 8",
                                   "pool_output 5",
                                   "flat_output 5 as pool_output"));
}

/// conv a -> HardSwish -> conv b: the activation has no integer kernel.
TEST(Placement, LeavesOperatorsWithoutIntegerKernelFloat) {
  testing::GraphBuilder builder("swish");
  const auto x = builder.input("x", image());
  const auto a = builder.unary("HardSwish", "h", builder.conv("a", x, {.out = 4}));
  const auto places =
      placed(builder.finish({builder.conv("b", a, {.out = 4})}), "onnxruntime").texts();
  // A convolution has a quantizer after it, since ONNX Runtime would run it in float otherwise, but
  // a network output has none.
  EXPECT_THAT(places, UnorderedElementsAre("x 8", "a_output 8", "h_output 8"));
}

/// Operators that no integer layer follows stay float.
TEST(Placement, DoesNotQuantizeTheEndOfANetwork) {
  testing::GraphBuilder builder("end");
  const auto x = builder.input("x", image());
  const auto a = builder.conv("a", x, {.out = 4});
  const auto b = builder.conv("b", a, {.out = 4});
  const auto end = builder.unary("Sigmoid", "s", builder.add("add", a, b));
  const auto places = placed(builder.finish({end}), "onnxruntime").texts();
  EXPECT_THAT(places, UnorderedElementsAre("x 8", "a_output 8", "b_output 8"));
}

TEST(Placement, FollowsSigmoidGatesBranchesAndPoolsBetweenLayers) {
  testing::GraphBuilder builder("branches");
  const auto x = builder.input("x", image());
  const auto a = builder.conv("a", x, {.out = 4});
  const auto gate = builder.binary("Mul", "gate", a, builder.unary("Sigmoid", "s", a));
  const auto pooled = builder.max_pool("max", gate, 3, 1, 1);
  const auto joined = builder.concat("join", {gate, pooled}, 1);
  const auto places =
      placed(builder.finish({builder.conv("b", joined, {.out = 2})}), "onnxruntime").texts();
  EXPECT_THAT(places,
              UnorderedElementsAre("x 8",
                                   "a_output 8",
                                   "s_output 8",
                                   "gate_output 8",
                                   "max_output 8 as gate_output",
                                   "join_output 8"));
}

/// x -> conv a, conv b -> Concat -> Relu -> conv c -> Sigmoid
Graph joined() {
  testing::GraphBuilder builder("joined");
  const auto x = builder.input("x", image());
  const auto a = builder.conv("a", x, {.out = 4});
  const auto b = builder.conv("b", x, {.out = 4});
  const auto both = builder.relu("r", builder.concat("both", {a, b}, 1));
  return builder.finish({builder.unary("Sigmoid", "s", builder.conv("c", both, {.out = 2}))});
}

TEST(Placement, OfLiteRtQuantizesToTheEndWithOneQuantizerAtAConcat) {
  const Placed result = placed(joined(), "litert");
  EXPECT_THAT(result.texts(),
              UnorderedElementsAre("x 8",
                                   "a_output 8",
                                   "b_output 8 as a_output",
                                   "both_output 8 as a_output",
                                   "r_output 8",
                                   "c_output 8",
                                   "s_output 8"));
  const auto at = [&](const char* name) { return result.places.at(result.graph.find_value(name)); };
  EXPECT_TRUE(at("b_output").has_own_numbers);
  EXPECT_FALSE(at("both_output").has_own_numbers) << "its numbers are those of its inputs";
  ASSERT_TRUE(at("s_output").fixed.has_value());
  EXPECT_EQ(at("s_output").fixed->scale, 1.0F / 256);
  EXPECT_FALSE(at("c_output").fixed.has_value());
}

/// Kernels prescribe the quantizer of one input of the Concat, so that the inputs cannot share one.
/// conv a, conv b -> Concat -> conv c; the result of a (clipped) is read by conv d, too, if
/// `shared`.
Graph fire(bool clipped_a, bool clipped_b, bool shared) {
  testing::GraphBuilder builder("fire");
  const auto x = builder.input("x", image());
  auto a = builder.conv("a", x, {.out = 4});
  auto b = builder.conv("b", x, {.out = 4});
  if (clipped_a) a = builder.relu("ra", a);
  if (clipped_b) b = builder.max_pool("max", builder.relu("rb", b), 3, 1, 1);
  const auto c = builder.conv("c", builder.concat("both", {a, b}, 1), {.out = 2});
  if (!shared) return builder.finish({c});
  return builder.finish({c, builder.conv("d", a, {.out = 2})});
}

/// ONNX Runtime's Concat copies operands with the quantizer of the result and looks up all others.
TEST(Placement, GivesOperandsThatOnlyAConcatReadsItsQuantizer) {
  const Placed result = placed(fire(false, false, false), "onnxruntime", 5);
  EXPECT_THAT(
      result.texts(),
      UnorderedElementsAre(
          "x 5", "a_output 5 as both_output", "b_output 5 as both_output", "both_output 5"));
  const graph::ValueId a = result.graph.find_value("a_output");
  EXPECT_FALSE(result.places.at(a).has_own_numbers) << "the range of the result includes them";
  // The finer scale of a value that another layer reads stays.
  EXPECT_THAT(
      placed(fire(false, false, true), "onnxruntime").texts(),
      UnorderedElementsAre("x 8", "a_output 8", "b_output 8 as both_output", "both_output 8"));
}

/// Otherwise the Relu would stay in the file, and the layer before it in float.
TEST(Placement, GivesClippedOperandsTheQuantizerOfAConcatThatPerformsTheClipping) {
  const auto both = placed(fire(true, true, false), "onnxruntime").texts();
  EXPECT_THAT(both,
              UnorderedElementsAre("x 8",
                                   "ra_output 8 as both_output",
                                   "rb_output 8",
                                   "max_output 8 as rb_output",
                                   "both_output 8"));
  const auto one = placed(fire(true, false, false), "onnxruntime").texts();
  EXPECT_THAT(
      one,
      UnorderedElementsAre("x 8", "ra_output 8", "b_output 8 as both_output", "both_output 8"));
}

TEST(Placement, LeavesAConcatFloatWhoseInputsNeedDifferentQuantizers) {
  testing::GraphBuilder builder("mixed");
  const auto x = builder.input("x", image());
  const auto a = builder.conv("a", x, {.out = 4});
  const auto s = builder.max_pool("pool", builder.unary("Sigmoid", "s", a), 1, 1, 0);
  const auto both = builder.concat("both", {s, a}, 1);
  EXPECT_THAT(placed(builder.finish({both}), "litert").texts(),
              UnorderedElementsAre("x 8", "a_output 8", "s_output 8", "pool_output 8 as s_output"));
}

TEST(Placement, OfTensorRtIsOnTheOtherOperandOfAResidualAdd) {
  EXPECT_THAT(placed(residual(), "tensorrt").texts(),
              UnorderedElementsAre("x 8", "ra_output 8", "flat_output 8"));
  testing::GraphBuilder builder("downsample");
  const auto x = builder.input("x", image());
  const auto a = builder.conv("a", x, {.out = 4});
  const auto b = builder.conv("b", x, {.out = 4});
  EXPECT_THAT(placed(builder.finish({builder.add("add", b, a)}), "tensorrt").texts(),
              UnorderedElementsAre("x 8", "a_output 8"))
      << "b is the later layer, and adds a";
}

/// Constants that 8 bits represent become codes; others keep their operator float.
TEST(Placement, PassesConstantsThatFitCodes) {
  const auto around = [](const std::string& op_type, Tensor constant) {
    testing::GraphBuilder b("constant");
    const auto a = b.conv("a", b.input("x", image()), {.out = 4});
    const auto c = b.constant("c", std::move(constant));
    const auto y = b.binary(op_type, "y", a, c);
    return placed(b.finish({b.conv("b", y, {.out = 4})}), "onnxruntime");
  };
  const auto operands = [](const Placed& made) {
    return constants_on_codes(made.graph,
                              [&](graph::ValueId value) { return made.places.contains(value); });
  };
  for (const char* op_type : {"Add", "Sub", "Mul", "Div"}) {
    const auto found = operands(around(op_type, Tensor::scalar(3.0F)));
    ASSERT_EQ(found.size(), 1U) << op_type;
    EXPECT_EQ(found.front().input, 1U);
  }
  EXPECT_EQ(operands(around("Add", Tensor::scalar(-1e4F))).size(), 0U) << "a mask";
  const Tensor spread = Tensor::from<float>({4, 1, 1}, {1.0F, 0.5F, 0.001F, 0.0F});
  EXPECT_EQ(operands(around("Mul", spread)).size(), 0U) << "0.001 would become 0";
  EXPECT_EQ(operands(around("Add", spread)).size(), 1U);
  EXPECT_EQ(operands(around("Div", Tensor::scalar(0.0F))).size(), 0U);
}

TEST(Placement, AddsTheBiasOfAMatMulInFloat) {
  testing::GraphBuilder b("linear");
  const auto x = b.input("x", {Dim::batch(), Dim::fixed(6), Dim::fixed(4)});
  const auto y = b.linear("second", b.linear("first", x, 4), 3);
  const auto made = placed(b.finish({y}), "onnxruntime");
  EXPECT_THAT(made.texts(), UnorderedElementsAre("x 8", "first.add_output 8"));
  EXPECT_TRUE(constants_on_codes(made.graph, [](graph::ValueId) { return false; }).empty());
}

/// Products of what integer layers computed, but not those of inputs.
TEST(Placement, QuantizesBothOperandsOfAProductOfActivations) {
  testing::GraphBuilder b("attention");
  const auto x = b.input("x", {Dim::batch(), Dim::fixed(4), Dim::fixed(4)});
  const auto positions = b.unary("Sin", "sin", b.matmul("outer", x, x));
  const auto keys = b.transpose("turn", b.linear("k", positions, 4, false), {0, 2, 1});
  const auto scores = b.matmul("scores", b.linear("q", positions, 4, false), keys);
  const auto end = b.linear("v", b.unary("Tanh", "tanh", scores), 3, false);
  EXPECT_THAT(placed(b.finish({end}), "onnxruntime").texts(),
              UnorderedElementsAre("sin_output 8",
                                   "k_output 8",
                                   "turn_output 8 as k_output",
                                   "q_output 8",
                                   "tanh_output 8"));
}

TEST(Placement, NeedsAWidthForEveryLayer) {
  const Graph graph = residual();
  const auto layers = graph::discover(graph).layers;
  EXPECT_THROW((void)place_quantizers(graph, layers, {BitWidth(8)}, target("exact")), ConfigError);
}

TEST(Placement, KnowsWhichClippingAQuantizerPerforms) {
  testing::GraphBuilder builder("clips");
  const auto x = builder.input("x", image());
  const auto six = builder.clip("six", x, 0.0F, 6.0F);
  const auto apart = builder.clip("apart", six, 1.0F, 6.0F);
  const Graph graph = builder.finish({builder.unary("Sigmoid", "s", apart)});
  std::vector<bool> performed;
  for (const graph::Node& node : graph.nodes()) {
    performed.push_back(is_clipped_by_quantizer(graph, node));
  }
  EXPECT_THAT(performed, ElementsAre(true, false, false));
}

}  // namespace
}  // namespace ompq::targets
