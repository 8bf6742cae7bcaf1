#include "ompq/onnx_io/file_types.h"

#include <optional>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ompq::onnx_io {
namespace {

using graph::Graph;
using graph::Node;
using graph::ValueId;
using ::testing::ElementsAre;

constexpr std::int64_t kToFloat = 1;
constexpr std::int64_t kToFloat16 = 10;

std::vector<std::string> types_in(const Graph& graph) {
  std::vector<std::string> types;
  for (const Node& node : graph.nodes()) types.push_back(node.op_type);
  return types;
}

/// x -> Relu -> y -> Neg -> z, where the file declares `declared` for x and y.
Graph relu_network(DataType declared) {
  Graph graph;
  const ValueId x = graph.add_input("x", DataType::Float32, graph::fixed_shape({4}));
  const ValueId y = graph.add_op({"relu", "Relu", "", {x}, {}, {}});
  const ValueId z = graph.add_op({"neg", "Neg", "", {y}, {}, {}});
  graph.mark_output(y);
  graph.mark_output(z);
  graph.interface.inputs = {{.name = "x", .type = declared}};
  graph.interface.outputs = {{.name = graph.value(y).name, .type = declared}};
  return graph;
}

TEST(RestoreInterfaceTypes, CastsAfterInputsAndBeforeOutputs) {
  Graph graph = relu_network(DataType::Float16);
  const auto inputs = graph.inputs();
  const auto outputs = graph.outputs();
  restore_interface_types(graph);
  EXPECT_EQ(graph.inputs(), inputs);
  EXPECT_EQ(graph.outputs(), outputs);
  EXPECT_EQ(graph.value(inputs[0]).type, DataType::Float16);
  EXPECT_EQ(graph.value(outputs[0]).type, DataType::Float16);
  EXPECT_EQ(graph.value(outputs[1]).type, DataType::Float32) << "not declared";
  const auto maker = [&](ValueId id) -> const Node& { return graph.node(graph.producer(id)); };
  EXPECT_EQ(maker(outputs[0]).op_type, "Cast");
  EXPECT_EQ(maker(outputs[0]).int_attribute("to", 0), kToFloat16);
  const ValueId inside = maker(outputs[0]).input(0);
  EXPECT_EQ(maker(inside).op_type, "Relu");
  EXPECT_EQ(maker(outputs[1]).input(0), inside) << "other nodes read what was computed";
  const Node& cast = maker(maker(inside).input(0));
  EXPECT_EQ(cast.op_type, "Cast");
  EXPECT_EQ(cast.int_attribute("to", 0), kToFloat);
  EXPECT_EQ(cast.input(0), inputs[0]);
}

TEST(RestoreInterfaceTypes, ChangesNothingIfTheTypesAreEqual) {
  Graph graph = relu_network(DataType::Float32);
  restore_interface_types(graph);
  EXPECT_THAT(types_in(graph), ElementsAre("Relu", "Neg"));
}

TEST(RestoreInterfaceTypes, ConvertsAConstantOutput) {
  Graph graph;
  const ValueId c = graph.add_constant("c", Tensor::from<float>({2}, {1, 0.1F}));
  graph.mark_output(c);
  graph.mark_output(graph.add_op({"neg", "Neg", "", {c}, {}, {}}));
  graph.interface.outputs = {{.name = "c", .type = DataType::Float64}};
  restore_interface_types(graph);
  EXPECT_EQ(graph.value(c).type, DataType::Float64);
  EXPECT_THAT(graph.value(c).constant->data<double>(), ElementsAre(1, double{0.1F}));
  const ValueId read = graph.nodes().at(0).input(0);
  EXPECT_THAT(graph.value(read).constant->data<float>(), ElementsAre(1, 0.1F));
}

/// One constant with its value, shape and the type in which its file stores it.
struct Stored {
  float value = 0;
  std::vector<std::int64_t> shape{8, 8};
  std::optional<DataType> type = DataType::Float16;
};

/// A network that adds the constants "c0", "c1", ... to its input.
Graph adding(const std::vector<Stored>& constants) {
  Graph graph;
  ValueId x = graph.add_input("x", DataType::Float32, graph::fixed_shape({8, 8}));
  for (std::size_t i = 0; i < constants.size(); ++i) {
    const Stored& row = constants[i];
    const auto count = static_cast<std::size_t>(element_count(row.shape));
    const ValueId c = graph.add_constant(
        "c" + std::to_string(i), Tensor::from(row.shape, std::vector<float>(count, row.value)));
    graph.mutable_value(c).stored = row.type;
    x = graph.add_op({"add" + std::to_string(i), "Add", "", {x, c}, {}, {}});
  }
  graph.mark_output(x);
  return graph;
}

/// The 16-bit constant that "c<i>" is cast from; nullopt if it is still a float32 constant.
std::optional<Tensor> half_of(const Graph& graph, int i) {
  const ValueId id = graph.find_value("c" + std::to_string(i));
  if (graph.is_constant(id)) return std::nullopt;
  const Node& cast = graph.node(graph.producer(id));
  EXPECT_EQ(cast.op_type, "Cast");
  EXPECT_EQ(cast.int_attribute("to", 0), kToFloat);
  return graph.value(cast.input(0)).constant;
}

Graph stored(const std::vector<Stored>& constants, Narrowing narrowing) {
  Graph graph = adding(constants);
  store_halves(graph, {}, narrowing);
  return graph;
}

TEST(StoreHalves, KeepsTheTypeThatTheFileHad) {
  const Graph graph =
      stored({{.value = 0.5F}, {.value = 0.25F, .type = DataType::BFloat16}}, Narrowing::Exact);
  ASSERT_TRUE(half_of(graph, 0) && half_of(graph, 1));
  EXPECT_EQ(half_of(graph, 0)->type(), DataType::Float16);
  EXPECT_EQ(half_of(graph, 1)->type(), DataType::BFloat16);
  EXPECT_EQ(half_of(graph, 0)->to_floats(), std::vector<float>(64, 0.5F));
  EXPECT_EQ(half_of(graph, 1)->to_floats(), std::vector<float>(64, 0.25F));
}

TEST(StoreHalves, RoundsOnlyIfAskedTo) {
  const std::vector<Stored> tenth{{.value = 0.1F}};
  EXPECT_FALSE(half_of(stored(tenth, Narrowing::Exact), 0));
  const auto rounded = half_of(stored(tenth, Narrowing::Rounded), 0);
  ASSERT_TRUE(rounded);
  EXPECT_EQ(rounded->to_floats().front(), 0.0999755859375F);  // 1638 / 2^14, the nearest float16
  EXPECT_FALSE(half_of(stored({{.value = 1e6F}}, Narrowing::Rounded), 0)) << "it would be infinite";
}

TEST(StoreHalves, NarrowsOtherConstantsExactlyToTheUsualType) {
  const Stored bfloat{.value = 1, .type = DataType::BFloat16};
  for (const Narrowing narrowing : {Narrowing::Exact, Narrowing::Rounded}) {
    const Graph graph = stored({bfloat,
                                {.value = 1},
                                bfloat,
                                {.value = 0.5F, .type = std::nullopt},
                                {.value = 0.1F, .type = std::nullopt}},
                               narrowing);
    ASSERT_TRUE(half_of(graph, 3));
    EXPECT_EQ(half_of(graph, 3)->type(), DataType::BFloat16);
    EXPECT_FALSE(half_of(graph, 4));
  }
}

TEST(StoreHalves, ChangesNothingIfTheFileHasNoHalves) {
  Graph graph = adding({{.value = 1, .type = std::nullopt}});
  store_halves(graph, {}, Narrowing::Rounded);
  EXPECT_THAT(types_in(graph), ElementsAre("Add"));
}

TEST(StoreHalves, LeavesSmallConstantsAndExactVectorsAlone) {
  const std::vector<Stored> rows{
      {.value = 1, .shape = {31, 1}}, {.value = 1, .shape = {32, 1}}, {.value = 1, .shape = {64}}};
  const Graph exact = stored(rows, Narrowing::Exact);
  EXPECT_FALSE(half_of(exact, 0));
  EXPECT_TRUE(half_of(exact, 1));
  EXPECT_FALSE(half_of(exact, 2)) << "a bias may change later";
  EXPECT_TRUE(half_of(stored(rows, Narrowing::Rounded), 2));
}

TEST(StoreHalves, LeavesExceptionsOutputsAndScalesAlone) {
  Graph graph = adding({{.value = 1}, {.value = 1}, {.value = 1}, {.value = 1}});
  graph.mark_output(graph.find_value("c1"));
  const ValueId scale = graph.find_value("c2");
  graph.mark_output(graph.add_op({"q", "QuantizeLinear", "", {graph.inputs()[0], scale}, {}, {}}));
  store_halves(graph, {"c0"}, Narrowing::Rounded);
  for (const int i : {0, 1, 2}) EXPECT_FALSE(half_of(graph, i)) << i;
  EXPECT_TRUE(half_of(graph, 3));
}

}  // namespace
}  // namespace ompq::onnx_io
