#include "ompq/onnx_io/signed_codes.h"

#include <vector>

#include <gtest/gtest.h>

#include "support/graph_builder.h"

namespace ompq::onnx_io {
namespace {

using graph::Dim;
using graph::Graph;
using graph::kNoValue;
using graph::ValueId;

/// x -> QuantizeLinear -> Clip of codes to 0 .. 15 -> DequantizeLinear
Graph clipped_codes() {
  testing::GraphBuilder b("codes");
  const graph::Shape shape{Dim::batch(), Dim::fixed(4)};
  const ValueId x = b.input("x", shape);
  const ValueId scale = b.constant("scale", Tensor::scalar(0.5F));
  const ValueId zero = b.constant("zero", Tensor::scalar(std::uint8_t{3}));
  const ValueId most = b.constant("most", Tensor::scalar(std::uint8_t{15}));
  const ValueId codes = b.op({.name = "q", .op_type = "QuantizeLinear", .inputs = {x, scale, zero}},
                             shape,
                             DataType::UInt8);
  const ValueId narrow =
      b.op({.name = "clip", .op_type = "Clip", .inputs = {codes, kNoValue, most}},
           shape,
           DataType::UInt8);
  return b.finish({b.op(
      {.name = "dq", .op_type = "DequantizeLinear", .inputs = {narrow, scale, zero}}, shape)});
}

std::int8_t int8_operand(const Graph& graph, const std::string& node, std::size_t input) {
  const Tensor& constant = *graph.value(testing::node_named(graph, node).inputs[input]).constant;
  EXPECT_EQ(constant.type(), DataType::Int8) << node;
  return constant.data<std::int8_t>().front();
}

TEST(SignedCodes, ShiftZeroPointsAndBoundsBy128) {
  Graph graph = clipped_codes();
  make_codes_signed(graph);
  EXPECT_EQ(int8_operand(graph, "q", 2), 3 - 128);
  EXPECT_EQ(int8_operand(graph, "clip", 2), 15 - 128);
  EXPECT_EQ(int8_operand(graph, "dq", 2), 3 - 128);
  for (const char* node : {"q", "clip"}) {
    const ValueId codes = testing::node_named(graph, node).outputs.front();
    EXPECT_EQ(graph.value(codes).type, DataType::Int8) << node;
  }
  EXPECT_EQ(testing::node_named(graph, "dq").inputs[1], graph.find_value("scale"));
}

TEST(SignedCodes, LeaveCodesOfConstantsAndOtherTypes) {
  testing::GraphBuilder b("weights");
  const graph::Shape shape{Dim::batch(), Dim::fixed(4)};
  const ValueId x = b.input("x", shape);
  const ValueId scale = b.constant("scale", Tensor::scalar(0.5F));
  const ValueId zero = b.constant("zero", Tensor::scalar(std::uint8_t{3}));
  const ValueId codes =
      b.constant("codes", Tensor::from({4}, std::vector<std::uint8_t>{0, 1, 2, 3}));
  const ValueId weight =
      b.op({.name = "weight", .op_type = "DequantizeLinear", .inputs = {codes, scale, zero}},
           {Dim::fixed(4)});
  Graph graph = b.finish({b.add("sum", x, weight)});
  make_codes_signed(graph);
  EXPECT_EQ(testing::node_named(graph, "weight").inputs,
            (std::vector<ValueId>{codes, scale, zero}));
}

}  // namespace
}  // namespace ompq::onnx_io
