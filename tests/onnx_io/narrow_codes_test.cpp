#include "ompq/onnx_io/narrow_codes.h"

#include <cstdint>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ompq/onnx_io/integer_layers.h"
#include "support/graph_builder.h"

namespace ompq::onnx_io {
namespace {

using graph::Dim;
using graph::Graph;
using graph::Node;
using graph::ValueId;
using quant::Symmetry;
using ::testing::ElementsAre;
using ::testing::Pair;

TEST(ContainerOf, IsTheNarrowestTypeThatHoldsTheCodes) {
  for (int bits = kMinBits; bits <= kMaxBits; ++bits) {
    const quant::QuantParams width{.bits = BitWidth(bits)};
    EXPECT_EQ(container_of(width, 8), 8);
    EXPECT_EQ(container_of(width, 4), bits <= 4 ? 4 : 8);
    EXPECT_EQ(container_of(width, 2), bits <= 2 ? 2 : bits <= 4 ? 4 : 8);
  }
  // Levels, not codes, are stored.
  EXPECT_EQ(container_of({.bits = BitWidth(2), .symmetry = Symmetry::Normal}, 2), 8);
}

/// A Conv of codes with weights of `bits` bits, rewritten for integer kernels.
struct Narrowed {
  Narrowed(int bits, Symmetry symmetry, std::vector<std::int32_t> zeros, int narrowest) {
    testing::GraphBuilder builder("layer");
    const auto x = builder.input("x", {Dim::batch(), Dim::fixed(3), Dim::fixed(4), Dim::fixed(4)});
    const auto q = builder.quantize_dequantize("q", x, 0.03F, 7);
    graph = builder.finish({builder.conv("layer", q, {.out = 2})});
    const Tensor& weight = *graph.value(graph.find_value("layer.weight")).constant;
    codes = {.params = {.bits = BitWidth(bits),
                        .symmetry = symmetry,
                        .granularity = quant::Granularity::along(0),
                        .scale = {0.5F, 0.25F},
                        .zero_point = std::move(zeros)},
             .shape = weight.shape(),
             .codes = {}};
    for (std::int64_t i = 0; i < weight.elements(); ++i) {
      codes.codes.push_back(static_cast<std::uint8_t>(i % codes.params.bits.levels()));
    }
    const auto layers = insert_integer_layers(graph, {{"layer.weight", codes}});
    narrow = narrow_levels(graph, layers, {{"layer.weight", codes}}, narrowest);
  }

  /// What the weight's DequantizeLinear reads, node by node towards the constant.
  [[nodiscard]] std::vector<std::string> chain() const {
    std::vector<std::string> types;
    ValueId id = graph.find_value("layer.weight");
    for (const Node& node : graph.nodes()) {
      if (node.is("Conv")) id = graph.node(graph.producer(node.inputs[1])).inputs[0];
    }
    for (; !graph.is_constant(id); id = graph.node(graph.producer(id)).inputs[0]) {
      types.push_back(graph.node(graph.producer(id)).op_type);
    }
    return types;
  }

  Graph graph;
  quant::QuantizedTensor codes;
  NarrowConstants narrow;
};

TEST(NarrowLevels, CastsLevelsThatFitTheType) {
  const Narrowed three(3, Symmetry::Asymmetric, {1, 7}, 4);
  EXPECT_THAT(three.narrow, ElementsAre(Pair("layer.weight_codes", 4)));
  EXPECT_THAT(three.chain(), ElementsAre("Cast"));
  const Tensor& levels = *three.graph.value(three.graph.find_value("layer.weight_codes")).constant;
  EXPECT_EQ(levels.type(), DataType::Int8);
  EXPECT_EQ(levels.data<std::int8_t>()[2], 2 - 1);
  EXPECT_THAT(Narrowed(4, Symmetry::Symmetric, {8, 8}, 4).chain(), ElementsAre("Cast"));
  const Narrowed one(1, Symmetry::Symmetric, {1, 1}, 2);
  EXPECT_THAT(one.narrow, ElementsAre(Pair("layer.weight_codes", 2)));
  EXPECT_THAT(one.chain(), ElementsAre("Cast"));
}

TEST(NarrowLevels, SubtractZeroPointsFromCodesOfTheWholeType) {
  for (const int bits : {2, 4}) {
    const Narrowed made(bits, Symmetry::Asymmetric, {1, 2}, 2);
    EXPECT_THAT(
        made.narrow,
        ElementsAre(Pair("layer.weight_codes", bits), Pair("layer.weight_zero_points", bits)));
    EXPECT_THAT(made.chain(), ElementsAre("Cast", "Sub", "Cast"));
    const auto zeros = made.graph.find_value("layer.weight_zero_points");
    EXPECT_THAT(made.graph.value(zeros).constant->shape(), ElementsAre(2, 1, 1, 1));
  }
}

TEST(NarrowLevels, LeaveWiderCodesAlone) {
  EXPECT_TRUE(Narrowed(5, Symmetry::Asymmetric, {1, 2}, 4).narrow.empty());
  EXPECT_TRUE(Narrowed(2, Symmetry::Asymmetric, {1, 2}, 8).narrow.empty());
  EXPECT_TRUE(Narrowed(5, Symmetry::Asymmetric, {1, 2}, 4).chain().empty());
}

}  // namespace
}  // namespace ompq::onnx_io
