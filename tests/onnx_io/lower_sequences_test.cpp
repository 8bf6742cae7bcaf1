#include "ompq/onnx_io/lower_sequences.h"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ompq::onnx_io {
namespace {

using graph::Graph;
using graph::Node;
using graph::ValueId;
using Ints = std::vector<std::int64_t>;

/// x [N, 6], whose parts a sequence holds.
struct Splitter {
  Graph graph;
  ValueId x = graph.add_input("x", DataType::Float32, {graph::Dim::batch(), graph::Dim::fixed(6)});

  ValueId add(const std::string& type,
              std::vector<ValueId> inputs,
              std::map<std::string, graph::Attribute> attributes = {}) {
    return graph.add_op({.name = "",
                         .op_type = type,
                         .domain = "",
                         .inputs = std::move(inputs),
                         .outputs = {},
                         .attributes = std::move(attributes)});
  }
  ValueId number(std::int64_t value) { return graph.add_constant("n", Tensor::scalar(value)); }
  Ints operand(const Node& node, std::size_t place) const {
    return graph.value(node.input(place)).constant->to_int64s();
  }
};

TEST(LowerSequences, TakesASliceOfASplitByConstantSizes) {
  Splitter net;
  const std::map<std::string, graph::Attribute> axis{{"axis", std::int64_t{1}}};
  const ValueId sizes = net.graph.add_constant("sizes", Tensor::from<std::int64_t>({3}, {1, 2, 3}));
  const ValueId uneven = net.add("SplitToSequence", {net.x, sizes}, axis);
  const ValueId even = net.add("SplitToSequence", {net.x, net.number(2)}, axis);
  net.graph.mark_output(net.add("SequenceAt", {uneven, net.number(-1)}));
  net.graph.mark_output(net.add("SequenceAt", {even, net.number(1)}));
  EXPECT_TRUE(lower_sequences(net.graph));
  const Node& last = net.graph.nodes()[2];
  EXPECT_EQ(last.op_type, "Slice");
  EXPECT_EQ(net.operand(last, 1), (Ints{3}));
  EXPECT_EQ(net.operand(last, 2), (Ints{6}));
  EXPECT_EQ(net.operand(last, 3), (Ints{1}));
  const Node& second = net.graph.nodes()[3];
  EXPECT_EQ(net.operand(second, 1), (Ints{2}));
  EXPECT_EQ(net.operand(second, 2), (Ints{4}));
}

TEST(LowerSequences, TakesOneElementWhereTheAxisGoes) {
  Splitter net;
  const ValueId parts = net.add(
      "SplitToSequence", {net.x}, {{"axis", std::int64_t{1}}, {"keepdims", std::int64_t{0}}});
  net.graph.mark_output(net.add("SequenceAt", {parts, net.number(-2)}));
  EXPECT_TRUE(lower_sequences(net.graph));
  EXPECT_EQ(net.graph.nodes()[1].op_type, "Gather");
  EXPECT_EQ(net.operand(net.graph.nodes()[1], 1), (Ints{-2}));
  EXPECT_EQ(net.graph.nodes()[1].int_attribute("axis", 0), 1);
}

TEST(LowerSequences, PassesOnWhatASequenceOnlyHolds) {
  Splitter net;
  const ValueId y = net.add("Neg", {net.x});
  const ValueId list = net.add("SequenceConstruct", {net.x, y});
  net.graph.mark_output(net.add("SequenceAt", {list, net.number(1)}));
  net.graph.mark_output(net.add("ConcatFromSequence", {list}, {{"axis", std::int64_t{1}}}));
  net.graph.mark_output(net.add(
      "ConcatFromSequence", {list}, {{"axis", std::int64_t{0}}, {"new_axis", std::int64_t{1}}}));
  EXPECT_TRUE(lower_sequences(net.graph));
  EXPECT_EQ(net.graph.nodes()[2].op_type, "Identity");
  EXPECT_EQ(net.graph.nodes()[2].inputs, (std::vector<ValueId>{y}));
  EXPECT_EQ(net.graph.nodes()[3].op_type, "Concat");
  EXPECT_EQ(net.graph.nodes()[3].inputs, (std::vector<ValueId>{net.x, y}));
  EXPECT_EQ(net.graph.nodes()[4].op_type, "Concat");
  EXPECT_EQ(net.graph.node(net.graph.producer(net.graph.nodes()[4].input(0))).op_type, "Unsqueeze");
}

TEST(LowerSequences, LeavesOtherUsesAlone) {
  Splitter net;
  const ValueId place = net.graph.add_input("i", DataType::Int64, {});
  const ValueId parts = net.add("SplitToSequence", {net.x, net.number(2)});
  net.graph.mark_output(net.add("SequenceAt", {parts, place}));
  net.graph.mark_output(net.add("SequenceAt", {parts, net.number(-1)}));
  net.graph.mark_output(net.add("SequenceLength", {parts}));
  EXPECT_FALSE(lower_sequences(net.graph));
}

}  // namespace
}  // namespace ompq::onnx_io
