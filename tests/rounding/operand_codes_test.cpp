#include "ompq/rounding/operand_codes.h"

#include <set>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ompq/graph/passes.h"
#include "ompq/quant/quantized_tensor.h"
#include "support/graph_builder.h"

namespace ompq::rounding {
namespace {

using graph::Dim;
using graph::Graph;
using ::testing::ElementsAre;
using testing::GraphBuilder;

/// An operator of x and a constant, both of whose results have a quantizer unless named in
/// `floats`.
Graph with_operand(const std::string& op_type,
                   Tensor constant,
                   bool first = false,
                   const std::string& floating = "") {
  GraphBuilder b("operand");
  const auto x = b.input("x", {Dim::batch(), Dim::fixed(3)});
  const auto c = b.constant("c", std::move(constant));
  const auto y = first ? b.binary(op_type, "y", c, x) : b.binary(op_type, "y", x, c);
  Graph graph = b.finish({b.unary("Tanh", "end", y)});
  (void)insert_operand_codes(
      graph, [&](graph::ValueId value) { return graph.value(value).name != floating; });
  return graph;
}

/// The constant that the operator reads, as decoded.
std::vector<float> decoded(const Graph& graph, const graph::Node& node) {
  const graph::Node& decoder = graph.node(graph.producer(node.input(1)));
  EXPECT_EQ(decoder.op_type, "DequantizeLinear");
  EXPECT_TRUE(decoder.has_attribute(graph::kOperandCodesNote));
  const auto numbers = [&](std::size_t i) {
    return graph.value(decoder.inputs[i]).constant->to_floats();
  };
  EXPECT_EQ(graph.value(decoder.inputs[0]).constant->type(), DataType::UInt8);
  std::vector<float> values = numbers(0);
  for (float& value : values) value = (value - numbers(2).front()) * numbers(1).front();
  return values;
}

TEST(OperandCodes, AreWithinHalfAScaleOfTheConstant) {
  const std::vector<float> values{-0.3F, 0.1F, 1.7F};
  const Graph graph = with_operand("Add", Tensor::from({3}, values));
  const graph::Node& node = testing::node_named(graph, "y");
  const std::vector<float> got = decoded(graph, node);
  for (std::size_t i = 0; i < values.size(); ++i) {
    EXPECT_NEAR(got[i], values[i], (1.7F + 0.3F) / 255.0F / 2.0F * 1.001F) << i;
  }
}

TEST(OperandCodes, OfOneNumberAreExact) {
  for (const float number : {0.1F, -3.7F, 1e-6F}) {
    const Graph graph = with_operand("Mul", Tensor::from<float>({2}, {number, number}));
    EXPECT_THAT(decoded(graph, testing::node_named(graph, "y")), ElementsAre(number, number));
  }
  const Graph zero = with_operand("Add", Tensor::scalar(0.0F));
  EXPECT_THAT(decoded(zero, testing::node_named(zero, "y")), ElementsAre(0.0F));
}

TEST(OperandCodes, AreTheSecondOperandOfAnAdd) {
  const Graph graph = with_operand("Add", Tensor::scalar(2.0F), /*first=*/true);
  const graph::Node& node = testing::node_named(graph, "y");
  EXPECT_EQ(graph.value(node.input(0)).name, "x");
  EXPECT_THAT(decoded(graph, node), ElementsAre(2.0F));
}

TEST(OperandCodes, TurnSubIntoAddAndDivIntoMul) {
  const Graph sub = with_operand("Sub", Tensor::scalar(2.0F));
  EXPECT_EQ(testing::node_named(sub, "y").op_type, "Add");
  EXPECT_THAT(decoded(sub, testing::node_named(sub, "y")), ElementsAre(-2.0F));
  const Graph div = with_operand("Div", Tensor::scalar(8.0F));
  EXPECT_EQ(testing::node_named(div, "y").op_type, "Mul");
  EXPECT_THAT(decoded(div, testing::node_named(div, "y")), ElementsAre(0.125F));
}

TEST(OperandCodes, AreOnlyReadBetweenQuantizers) {
  for (const char* floating : {"x", "y_output"}) {
    const Graph graph = with_operand("Add", Tensor::scalar(2.0F), false, floating);
    EXPECT_EQ(graph.value(testing::node_named(graph, "y").input(1)).name, "c") << floating;
  }
  const Graph reversed = with_operand("Sub", Tensor::scalar(2.0F), /*first=*/true);
  EXPECT_EQ(testing::node_named(reversed, "y").op_type, "Sub") << "c - x has no integer kernel";
}

}  // namespace
}  // namespace ompq::rounding
