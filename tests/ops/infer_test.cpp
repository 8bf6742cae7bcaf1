#include "ompq/ops/infer.h"

#include <algorithm>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ompq/core/error.h"
#include "ops/op_case.h"

namespace ompq::ops {
namespace {

using graph::Dim;
using graph::Graph;
using graph::kNoValue;
using graph::Node;
using graph::Shape;
using graph::ValueId;
using ::testing::AllOf;
using ::testing::HasSubstr;
using testing::Ints;
using ::testing::Not;

using Attributes = std::map<std::string, graph::Attribute>;

/// Adds a node without telling types or shapes, as a file does.
ValueId add(Graph& graph,
            const std::string& type,
            const std::vector<ValueId>& inputs,
            const Attributes& attributes = {}) {
  Node node;
  node.op_type = type;
  node.inputs = inputs;
  node.attributes = attributes;
  return graph.add_op(std::move(node));
}

ValueId ints(Graph& graph, const Ints& values) {
  return graph.add_constant(
      "ints", Tensor::from<std::int64_t>({static_cast<std::int64_t>(values.size())}, values));
}

ValueId number(Graph& graph, std::int64_t value) {
  return graph.add_constant("number", Tensor::scalar(value));
}

const Shape kImages{Dim::batch(), Dim::fixed(3), Dim::fixed(8), Dim::fixed(8)};

std::string shape_of(const Graph& graph, ValueId id) {
  return graph::to_string(graph.value(id).shape.value());
}

std::vector<std::string> types(const Graph& graph) {
  std::vector<std::string> found;
  for (const Node& node : graph.nodes()) found.push_back(node.op_type);
  return found;
}

std::string message_of(Graph graph) {
  try {
    infer_and_fold(graph);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST(InferAndFold, ResolvesTheFlattenThatPyTorchWrites) {
  // x.view(x.size(0), -1)
  Graph graph;
  const ValueId x = graph.add_input("x", DataType::Float32, kImages);
  const ValueId relu = add(graph, "Relu", {x});
  const ValueId shape = add(graph, "Shape", {relu});
  const ValueId batch = add(graph, "Gather", {shape, number(graph, 0)}, {{"axis", 0}});
  const ValueId one = add(graph, "Unsqueeze", {batch, ints(graph, {0})});
  const ValueId target = add(graph, "Concat", {one, ints(graph, {-1})}, {{"axis", 0}});
  const ValueId flat = add(graph, "Reshape", {relu, target});
  graph.mark_output(flat);
  infer_and_fold(graph);
  EXPECT_EQ(shape_of(graph, flat), "Nx192");
  EXPECT_THAT(types(graph), ::testing::ElementsAre("Relu", "Reshape"));
  const Node& reshape = graph.nodes().back();
  EXPECT_EQ(graph.value(reshape.inputs[1]).constant->to_int64s(), (Ints{-1, 192}));
}

TEST(InferAndFold, ResolvesAttentionHeadsThroughArithmeticOnTheShape) {
  // x [N, 5, 12] -> [N * 4, 5, 3] -> [N, 5, 12]
  Graph graph;
  const ValueId x =
      graph.add_input("x", DataType::Float32, {Dim::batch(), Dim::fixed(5), Dim::fixed(12)});
  const ValueId shape = add(graph, "Shape", {x});
  const ValueId parts[] = {add(graph, "Gather", {shape, number(graph, 0)}),
                           add(graph, "Gather", {shape, number(graph, 1)}),
                           add(graph, "Gather", {shape, number(graph, 2)})};
  const ValueId heads = add(graph, "Mul", {parts[0], number(graph, 4)});
  const ValueId width = add(graph, "Div", {parts[2], number(graph, 4)});
  const auto listed = [&](ValueId value) {
    return add(graph, "Unsqueeze", {value, ints(graph, {0})});
  };
  const ValueId split_shape =
      add(graph, "Concat", {listed(heads), listed(parts[1]), listed(width)}, {{"axis", 0}});
  const ValueId split = add(graph, "Reshape", {x, split_shape});
  const ValueId back_shape = add(graph, "Slice", {shape, ints(graph, {0}), ints(graph, {3})});
  const ValueId back = add(graph, "Reshape", {split, back_shape});
  graph.mark_output(back);
  infer_and_fold(graph);
  EXPECT_EQ(shape_of(graph, split), "4Nx5x3");
  EXPECT_EQ(shape_of(graph, back), "Nx5x12");
  EXPECT_THAT(types(graph), ::testing::ElementsAre("Reshape", "Reshape"));
}

TEST(InferAndFold, ResolvesTheExpandThatTracesAskForMinusOne) {
  // torch.expand(token, n, -1, -1): Where(Equal(shape, -1), ones, shape) decides every extent
  Graph graph;
  const ValueId x =
      graph.add_input("x", DataType::Float32, {Dim::batch(), Dim::fixed(5), Dim::fixed(6)});
  const ValueId token = graph.add_constant("token", testing::normal({1, 1, 6}));
  const ValueId batch = add(graph, "Gather", {add(graph, "Shape", {x}), ints(graph, {0})});
  const ValueId asked = add(graph, "Concat", {batch, ints(graph, {-1, -1})}, {{"axis", 0}});
  const ValueId ones = add(graph,
                           "ConstantOfShape",
                           {add(graph, "Shape", {asked})},
                           {{"value", Tensor::from<std::int64_t>({1}, {1})}});
  const ValueId open = add(graph, "Equal", {asked, add(graph, "Mul", {ones, number(graph, -1)})});
  const ValueId decided = add(graph, "Where", {open, ones, asked});
  const ValueId tokens = add(graph, "Expand", {token, decided});
  graph.mark_output(add(graph, "Concat", {tokens, x}, {{"axis", 1}}));
  infer_and_fold(graph);
  EXPECT_EQ(shape_of(graph, tokens), "Nx1x6");
  EXPECT_EQ(shape_of(graph, graph.outputs()[0]), "Nx6x6");
}

TEST(InferAndFold, ResolvesTheSizeOfAnUpsampling) {
  // F.interpolate(x, size=(2 * h, 2 * w)): sizes = [n, c] + floor(float(h, w) * 2)
  Graph graph;
  const ValueId x = graph.add_input("x", DataType::Float32, kImages);
  const ValueId shape = add(graph, "Shape", {x});
  const ValueId outer = add(graph, "Slice", {shape, ints(graph, {0}), ints(graph, {2})});
  const ValueId inner = add(graph, "Slice", {shape, ints(graph, {2}), ints(graph, {4})});
  const ValueId real = add(graph, "Cast", {inner}, {{"to", 1}});
  const ValueId two = graph.add_constant("two", Tensor::scalar(2.0F));
  const ValueId scaled = add(graph, "Floor", {add(graph, "Mul", {real, two})});
  const ValueId whole = add(graph, "Cast", {scaled}, {{"to", 7}});
  const ValueId sizes = add(graph, "Concat", {outer, whole}, {{"axis", 0}});
  const ValueId big = add(graph, "Resize", {x, kNoValue, kNoValue, sizes}, {{"mode", "linear"}});
  graph.mark_output(big);
  infer_and_fold(graph);
  EXPECT_EQ(shape_of(graph, big), "Nx3x16x16");
}

TEST(InferAndFold, ListsEveryUnsupportedNodeAtOnce) {
  Graph graph;
  const ValueId x = graph.add_input("x", DataType::Float32, kImages);
  const ValueId odd = add(graph, "Frobnicate", {x});
  const ValueId pool =
      add(graph, "AveragePool", {odd}, {{"kernel_shape", Ints{2, 2}}, {"dilations", Ints{2, 2}}});
  const ValueId found = add(graph, "Unique", {pool});
  const ValueId shaped = add(graph, "Reshape", {x, ints(graph, {7, 7})});
  graph.mark_output(found);
  graph.mark_output(add(graph, "MatMulInteger", {shaped}));
  EXPECT_THAT(message_of(graph),
              AllOf(HasSubstr("4 of 5 nodes cannot be run"),
                    HasSubstr("Frobnicate node 'Frobnicate': the operator is not supported"),
                    HasSubstr("AveragePool node 'AveragePool': averages with dilated windows"),
                    HasSubstr("Unique node 'Unique': its output's shape depends on the data"),
                    HasSubstr("MatMulInteger node 'MatMulInteger': the network is quantized")));
  EXPECT_THROW(infer_and_fold(graph), UnsupportedOp);
}

TEST(InferAndFold, SaysWhichOutputOrOpsetIsNotSupported) {
  Graph graph;
  graph.opset = 12;
  const ValueId x = graph.add_input("x", DataType::Float32, kImages);
  Node pool;
  pool.op_type = "MaxPool";
  pool.inputs = {x};
  pool.attributes = {{"kernel_shape", Ints{2, 2}}};
  graph.add_op(pool, 2);
  for (const ValueId output : std::vector<ValueId>(graph.nodes().back().outputs)) {
    graph.mark_output(output);
  }
  graph.mark_output(add(graph, "HardSwish", {x}));
  EXPECT_THAT(
      message_of(graph),
      AllOf(HasSubstr("MaxPool node 'MaxPool': its output 1 is not supported"),
            HasSubstr(
                "HardSwish node 'HardSwish': is supported from opset 14 on, but the file has 12")));
}

TEST(InferAndFold, IgnoresUnsupportedNodesThatNobodyReads) {
  Graph graph;
  const ValueId x = graph.add_input("x", DataType::Float32, kImages);
  add(graph, "NonZero", {x});
  graph.mark_output(add(graph, "Relu", {x}));
  infer_and_fold(graph);
  EXPECT_THAT(types(graph), ::testing::ElementsAre("Relu"));
}

TEST(InferAndFold, NamesTheNodeWhoseShapesDoNotFit) {
  Graph graph;
  const ValueId x = graph.add_input("x", DataType::Float32, kImages);
  const ValueId w = graph.add_constant("w", testing::normal({4, 5, 3, 3}));
  graph.mark_output(add(graph, "Conv", {x, w}));
  EXPECT_THAT(message_of(graph),
              AllOf(HasSubstr("Conv node 'Conv'"),
                    HasSubstr("needs 5 channels, but the input has shape Nx3x8x8")));
  EXPECT_THROW(infer_and_fold(graph), ShapeError);
}

/// The sub-graph that keeps a 3-bit weight in bit-planes: planes -> shift -> mod -> weighted sum.
ValueId packed_weight(Graph& graph, std::int64_t bits, std::int64_t bytes, const Ints& shape) {
  Tensor planes(DataType::UInt8, {bits, bytes, 1});
  auto data = planes.mutable_data<std::uint8_t>();
  for (std::size_t i = 0; i < data.size(); ++i) data[i] = static_cast<std::uint8_t>(37 * i + 11);
  const ValueId stored = graph.add_constant("planes", std::move(planes));
  const ValueId shifts =
      graph.add_constant("shifts", testing::counting(DataType::UInt8, {8}, 0, 7));
  const ValueId two = graph.add_constant("two", Tensor::scalar<std::uint8_t>(2));
  std::vector<float> worth;
  for (std::int64_t bit = 0; bit < bits; ++bit) worth.push_back(static_cast<float>(1 << bit));
  const ValueId worths = graph.add_constant("worths", Tensor::from<float>({bits, 1, 1}, worth));
  const ValueId shifted = add(graph, "BitShift", {stored, shifts}, {{"direction", "RIGHT"}});
  const ValueId single = add(graph, "Cast", {add(graph, "Mod", {shifted, two})}, {{"to", 1}});
  const ValueId weighted = add(graph, "Mul", {single, worths});
  const ValueId codes = add(graph, "ReduceSum", {weighted, ints(graph, {0})}, {{"keepdims", 0}});
  return add(graph, "Reshape", {codes, ints(graph, shape)});
}

TEST(InferAndFold, RefusesAnActivationThatNoMachineHolds) {
  constexpr std::int64_t kHuge = std::int64_t{1} << 62;
  const auto message = [](const std::string& type, const Ints& numbers, std::size_t position) {
    Graph graph;
    const ValueId x = graph.add_input("x", DataType::Float32, kImages);
    std::vector<ValueId> inputs{x};
    while (inputs.size() < position) inputs.push_back(kNoValue);
    inputs.push_back(ints(graph, numbers));
    graph.set_outputs({add(graph, type, inputs)});
    graph.opset = 17;
    return message_of(std::move(graph));
  };
  const std::string rule = "more than 1099511627776 elements for one sample";
  EXPECT_THAT(message("Expand", {kHuge, 1, 1, 1, 1}, 1), HasSubstr(rule));
  EXPECT_THAT(message("Resize", {1, 3, kHuge, 4}, 3), AllOf(HasSubstr("Resize"), HasSubstr("N")));
  EXPECT_THAT(message("Tile", {1, 1, kHuge, 4}, 1),
              HasSubstr("axis 2 of shape Nx3x8x8 cannot be repeated 4611686018427387904 times"));
  EXPECT_THAT(message("Tile", {1, 1, 1 << 20, 1 << 20}, 1), HasSubstr(rule));
  const std::string padding = "cannot be padded by 4611686018427387904 and 4611686018427387904";
  EXPECT_THAT(message("Pad", {0, 0, kHuge, 0, 0, 0, kHuge, 0}, 1), HasSubstr(padding));
  EXPECT_THAT(message("Pad", {0, 0, -kHuge, 0, 0, 0, -kHuge, 0}, 1),
              HasSubstr("cannot be padded by -4611686018427387904"));
  EXPECT_THAT(message("Pad", {0, 0, 1 << 30, 0, 0, 0, 0, 1 << 30}, 1), HasSubstr(rule));

  Graph graph;
  const Shape shape{Dim::batch(), Dim::fixed(3), Dim::fixed(1 << 22), Dim::fixed(1 << 22)};
  graph.set_outputs({add(graph, "Relu", {graph.add_input("images", DataType::Float32, shape)})});
  EXPECT_THAT(
      message_of(graph),
      AllOf(HasSubstr("input 'images' has the shape Nx3x4194304x4194304"), HasSubstr(rule)));
}

TEST(InferAndFold, UnpacksPackedWeights) {
  Graph graph;
  const ValueId x = graph.add_input("x", DataType::Float32, kImages);
  const ValueId w = packed_weight(graph, 3, 12, {4, 3, 2, 4});
  graph.mark_output(add(graph, "Conv", {x, w}));
  infer_and_fold(graph);
  EXPECT_THAT(types(graph), ::testing::ElementsAre("Conv"));
  const std::vector<float> codes = graph.value(w).constant->to_floats();
  ASSERT_EQ(codes.size(), 96U);
  for (std::size_t i = 0; i < codes.size(); ++i) {
    int expected = 0;
    for (std::size_t bit = 0; bit < 3; ++bit) {
      const auto byte = static_cast<std::uint8_t>(37 * (bit * 12 + i / 8) + 11);
      expected |= ((byte >> (i % 8)) & 1) << bit;
    }
    ASSERT_EQ(codes[i], static_cast<float>(expected)) << "code " << i;
  }
}

TEST(InferAndFold, KeepsNoStageOfALargeUnpackedWeight) {
  Graph graph;  // 2 MiB of float32: beyond what is computed at once
  const ValueId x = graph.add_input("x", DataType::Float32, {Dim::batch(), Dim::fixed(1024)});
  const ValueId w = packed_weight(graph, 2, 65536, {1024, 512});
  graph.mark_output(add(graph, "MatMul", {x, w}));
  infer_and_fold(graph);
  EXPECT_THAT(types(graph), ::testing::ElementsAre("MatMul"));
  std::int64_t kept = 0;
  for (const graph::Value& value : graph.values()) {
    if (value.constant) kept += static_cast<std::int64_t>(value.constant->bytes().size());
  }
  EXPECT_EQ(kept, 1024 * 512 * 4);
}

TEST(InferAndFold, LeavesHugeRepetitionsToTheRun) {
  Graph graph;
  const ValueId x = graph.add_input("x", DataType::Float32, {Dim::batch(), Dim::fixed(20'000'000)});
  const ValueId one = graph.add_constant("one", Tensor::from<float>({1}, {2.0F}));
  const ValueId large = add(graph, "Expand", {one, ints(graph, {20'000'000})});
  graph.mark_output(add(graph, "Mul", {x, large}));
  infer_and_fold(graph);
  EXPECT_THAT(types(graph), ::testing::ElementsAre("Expand", "Mul"));
  EXPECT_FALSE(graph.is_constant(large));
  EXPECT_EQ(shape_of(graph, large), "20000000");
}

TEST(InferAndFold, ComputesConstantOutputs) {
  Graph graph;
  const ValueId x = graph.add_input("x", DataType::Float32, kImages);
  graph.mark_output(add(graph, "Relu", {x}));
  const ValueId size =
      add(graph, "Slice", {add(graph, "Shape", {x}), ints(graph, {1}), ints(graph, {4})});
  graph.mark_output(size);
  infer_and_fold(graph);
  EXPECT_EQ(graph.value(size).constant->to_int64s(), (Ints{3, 8, 8}));
}

TEST(InferAndFold, ChangesNothingTheSecondTime) {
  Graph graph;
  const ValueId x = graph.add_input("x", DataType::Float32, kImages);
  const ValueId shape = add(graph, "Shape", {x});
  const ValueId batch = add(graph, "Slice", {shape, ints(graph, {0}), ints(graph, {1})});
  const ValueId target = add(graph, "Concat", {batch, ints(graph, {-1})}, {{"axis", 0}});
  graph.mark_output(add(graph, "Reshape", {x, target}));
  infer_and_fold(graph);
  const auto first = types(graph);
  const auto first_shape = shape_of(graph, graph.outputs()[0]);
  infer_and_fold(graph);
  EXPECT_EQ(types(graph), first);
  EXPECT_EQ(shape_of(graph, graph.outputs()[0]), first_shape);
}

TEST(InferAndFold, RefusesABatchThatAReshapeFixes) {
  Graph graph;
  const ValueId x = graph.add_input("x", DataType::Float32, kImages);
  graph.mark_output(add(graph, "Reshape", {x, ints(graph, {4, 192})}));
  EXPECT_THAT(message_of(graph),
              HasSubstr("192N elements of shape Nx3x8x8 cannot take shape 4x192"));
}

TEST(InferAndFold, KeepsTheNodeOfAMixedOutputAlive) {
  Graph graph;  // the first part of a split shape is N, the second is known
  const ValueId x = graph.add_input("x", DataType::Float32, kImages);
  Node split;
  split.op_type = "Split";
  split.inputs = {add(graph, "Shape", {x}), ints(graph, {1, 3})};
  const ValueId batch = graph.add_op(split, 2);
  const ValueId rest = graph.nodes().back().outputs[1];
  graph.mark_output(add(graph, "Add", {batch, number(graph, 5)}));
  graph.mark_output(rest);
  infer_and_fold(graph);
  EXPECT_EQ(graph.value(rest).constant->to_int64s(), (Ints{3, 8, 8}));
  const auto split_node = std::find_if(graph.nodes().begin(),
                                       graph.nodes().end(),
                                       [](const Node& node) { return node.is("Split"); });
  ASSERT_NE(split_node, graph.nodes().end());
  EXPECT_EQ(split_node->outputs, (std::vector<ValueId>{batch, kNoValue}));
}

}  // namespace
}  // namespace ompq::ops
