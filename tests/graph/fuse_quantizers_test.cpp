#include "ompq/graph/fuse_quantizers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "graph/fuse_cases.h"
#include "support/graph_builder.h"

namespace ompq::graph {
namespace {

using ::testing::ElementsAre;
using testing::GraphBuilder;
using testing::op_types;

class FuseQuantizers : public ::testing::Test {
 protected:
  GraphBuilder b{"quantized"};
  ValueId input = b.input("input", testing::fuse_image());
};

TEST_F(FuseQuantizers, MakesOneNodeOfAPair) {
  Graph graph = b.finish({b.quantize_dequantize("act", input, 0.1F, 3)});
  EXPECT_EQ(fuse_quantizers(graph, {}), 1);
  ASSERT_THAT(op_types(graph), ElementsAre("FakeQuantize"));
  const Node& node = graph.node(0);
  EXPECT_EQ(node.domain, "ompq");
  EXPECT_THAT(
      node.inputs,
      ElementsAre(input, graph.find_value("act.scale"), graph.find_value("act.zero_point")));
  EXPECT_EQ(node.int_attribute("quant_min", -1), 0);
  EXPECT_EQ(node.int_attribute("quant_max", -1), 255);
}

TEST_F(FuseQuantizers, LeavesTheClipOfANarrowRange) {
  const ValueId clipped = b.clip("clip", b.relu("relu", input), 0.0F, 1.5F);
  Graph graph = b.finish({b.quantize_dequantize("act", clipped, 0.1F, 0)});
  fuse_quantizers(graph, {});
  EXPECT_THAT(op_types(graph), ElementsAre("Relu", "Clip", "FakeQuantize"));
}

TEST_F(FuseQuantizers, MakesOneNodeForEachReaderOfTheCodes) {
  const ValueId first = b.quantize_dequantize("act", input, 0.1F, 3);
  const ValueId codes = b.graph().find_value("act.quantize_output");
  const ValueId second = b.op({.name = "again",
                               .op_type = "DequantizeLinear",
                               .inputs = {codes,
                                          b.graph().find_value("act.scale"),
                                          b.graph().find_value("act.zero_point")}},
                              testing::fuse_image());
  Graph graph = b.finish({first, second});
  EXPECT_EQ(fuse_quantizers(graph, {}), 2);
  EXPECT_THAT(op_types(graph), ElementsAre("FakeQuantize", "FakeQuantize"));
}

TEST_F(FuseQuantizers, LeavesCodesThatOthersRead) {
  const ValueId x = b.quantize_dequantize("act", input, 0.1F, 3);
  const ValueId codes = b.graph().find_value("act.quantize_output");
  Graph graph = b.finish(
      {x, b.op({.name = "cast", .op_type = "Cast", .inputs = {codes}}, testing::fuse_image())});
  EXPECT_EQ(fuse_quantizers(graph, {}), 0);
}

TEST_F(FuseQuantizers, LeavesCodesThatAreShownOrKept) {
  const ValueId x = b.quantize_dequantize("act", input, 0.1F, 3);
  const ValueId codes = b.graph().find_value("act.quantize_output");
  Graph graph = b.finish({x});
  const ValueId keep[] = {codes};
  EXPECT_EQ(fuse_quantizers(graph, keep), 0);
  graph.mark_output(codes);
  EXPECT_EQ(fuse_quantizers(graph, {}), 0);
}

TEST_F(FuseQuantizers, LeavesAPairThatRescales) {
  const ValueId x = b.quantize_dequantize("act", input, 0.1F, 3);
  b.graph().mutable_node(1).inputs[1] = b.constant("other", Tensor::scalar(0.2F));
  Graph graph = b.finish({x});
  EXPECT_EQ(fuse_quantizers(graph, {}), 0);
}
/// x -> QuantizeLinear (scale 0.1) -> Clip of the codes to 0..`most` -> DequantizeLinear
ValueId clipped_codes(GraphBuilder& b, ValueId x, std::uint8_t zero_point, std::uint8_t most) {
  const ValueId scale = b.constant("scale", Tensor::scalar(0.1F));
  const ValueId zero = b.constant("zero", Tensor::scalar(zero_point));
  const ValueId high = b.constant("high", Tensor::scalar(most));
  const auto codes = b.op({.name = "q", .op_type = "QuantizeLinear", .inputs = {x, scale, zero}},
                          testing::fuse_image(),
                          DataType::UInt8);
  const auto clipped = b.op({.name = "c", .op_type = "Clip", .inputs = {codes, kNoValue, high}},
                            testing::fuse_image(),
                            DataType::UInt8);
  return b.op({.name = "dq", .op_type = "DequantizeLinear", .inputs = {clipped, scale, zero}},
              testing::fuse_image());
}

TEST_F(FuseQuantizers, TakesTheClipOfCodesAsTheirRange) {
  Graph graph = b.finish({clipped_codes(b, input, 3, 15)});
  EXPECT_EQ(fuse_quantizers(graph, {}), 1);
  ASSERT_THAT(op_types(graph), ElementsAre("FakeQuantize"));
  EXPECT_EQ(graph.node(0).int_attribute("quant_min", -1), 0);
  EXPECT_EQ(graph.node(0).int_attribute("quant_max", -1), 15);
}

class DropBounds : public FuseQuantizers {};

TEST_F(DropBounds, RemovesWhatTheQuantizerPerforms) {
  const ValueId clipped = b.clip("clip", b.relu("relu", input), 0.0F, 25.5F);
  Graph graph = b.finish({b.quantize_dequantize("act", clipped, 0.1F, 0)});
  EXPECT_EQ(drop_bounds_before_quantizers(graph), 1);
  EXPECT_THAT(op_types(graph), ElementsAre("QuantizeLinear", "DequantizeLinear"));
}

TEST_F(DropBounds, KeepsATighterBound) {
  const ValueId clipped = b.clip("clip", input, 0.0F, 6.0F);  // code 60 of 255
  Graph graph = b.finish({b.quantize_dequantize("act", clipped, 0.1F, 0)});
  EXPECT_EQ(drop_bounds_before_quantizers(graph), 0);
  EXPECT_THAT(op_types(graph), ElementsAre("Clip", "QuantizeLinear", "DequantizeLinear"));
}

TEST_F(DropBounds, KeepsALowerBoundAboveTheSmallestCode) {
  Graph graph = b.finish({b.quantize_dequantize("act", b.relu("relu", input), 0.1F, 3)});
  EXPECT_EQ(drop_bounds_before_quantizers(graph), 0);
}

TEST_F(DropBounds, CountsAClipOfTheCodes) {
  const ValueId clipped = b.clip("clip", input, 0.0F, 1.5F);
  Graph graph = b.finish({clipped_codes(b, clipped, 0, 15)});
  EXPECT_EQ(drop_bounds_before_quantizers(graph), 1);
  EXPECT_THAT(op_types(graph), ElementsAre("QuantizeLinear", "Clip", "DequantizeLinear"));
}

TEST_F(DropBounds, KeepsTheNodeForOtherReaders) {
  const ValueId relu = b.relu("relu", input);
  Graph graph = b.finish({b.quantize_dequantize("act", relu, 0.1F, 0), b.relu("again", relu)});
  EXPECT_EQ(drop_bounds_before_quantizers(graph), 1);
  EXPECT_THAT(op_types(graph), ::testing::Contains("Relu"));
  for (const Node& node : graph.nodes()) {
    if (!node.is("QuantizeLinear")) continue;
    EXPECT_EQ(node.inputs.front(), input);
  }
}

}  // namespace
}  // namespace ompq::graph
