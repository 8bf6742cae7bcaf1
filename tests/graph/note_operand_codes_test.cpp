#include <gtest/gtest.h>

#include "ompq/graph/passes.h"
#include "support/graph_builder.h"

namespace ompq::graph {
namespace {

using testing::GraphBuilder;

/// x and a decoded constant with `scales` scales, both read by `op_type`.
Graph decoded_operand(const std::string& op_type, std::int64_t scales) {
  GraphBuilder b("operand");
  const ValueId x = b.input("x", {Dim::batch(), Dim::fixed(4)});
  const ValueId codes = b.constant("codes", Tensor::from<std::uint8_t>({4}, {1, 2, 3, 4}));
  const ValueId scale = b.constant(
      "scale", scales == 1 ? Tensor::scalar(0.5F) : Tensor::from({4}, std::vector<float>(4, 0.5F)));
  const ValueId constant =
      b.op({.name = "decoder", .op_type = "DequantizeLinear", .inputs = {codes, scale}},
           fixed_shape({4}));
  return b.finish({b.binary(op_type, "op", x, constant)});
}

TEST(NoteOperandCodes, IsOnDequantizersOfConstantsWithOneScale) {
  Graph graph = decoded_operand("Add", 1);
  EXPECT_EQ(note_operand_codes(graph), 1);
  EXPECT_TRUE(testing::node_named(graph, "decoder").has_attribute(kOperandCodesNote));
}

TEST(NoteOperandCodes, IsNotOnOtherDequantizers) {
  Graph channels = decoded_operand("Add", 4);
  EXPECT_EQ(note_operand_codes(channels), 0);
  Graph other = decoded_operand("Pow", 1);
  EXPECT_EQ(note_operand_codes(other), 0) << "its kernel does not read codes";
}

}  // namespace
}  // namespace ompq::graph
