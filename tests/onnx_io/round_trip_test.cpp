#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ompq/core/error.h"
#include "ompq/onnx_io/exporter.h"
#include "ompq/onnx_io/importer.h"
#include "ompq/onnx_io/tensor_proto.h"
#include "onnx_io/small_network.h"
#include "support/graph_difference.h"
#include "support/paths.h"

namespace ompq::onnx_io {
namespace {

using graph::Graph;
using testing::difference;

TEST(RoundTrip, KeepsEverySharedModel) {
  OMPQ_SHARED_OR_SKIP(shared);
  for (const char* name : {"resnet20-cifar10", "mobilenetv2-imagenet", "squeezenet1_1-imagenet"}) {
    const Graph first = import_onnx(shared / "models" / (std::string(name) + ".onnx"));
    const Graph second = import_onnx_bytes(export_onnx_bytes(first));
    EXPECT_EQ(difference(first, second), "") << name;
    EXPECT_GT(first.nodes().size(), 20U) << name;
  }
}

Graph round_trip(const Graph& graph) { return import_onnx_bytes(export_onnx_bytes(graph)); }

TEST(RoundTrip, KeepsANetworkWithEveryKindOfWeight) {
  Graph graph = testing::small_network();
  for (const int opset : {7, 13, 18, 19, 21}) {
    graph.opset = opset;
    graph.metadata["opset"] = std::to_string(opset);
    EXPECT_EQ(difference(graph, round_trip(graph)), "");
  }
}

TEST(RoundTrip, KeepsEveryKindOfAttribute) {
  Graph graph;
  const auto x = graph.add_input("x", DataType::Int32, {graph::Dim::fixed(1)});
  graph.mark_output(graph.add_op({"strange",
                                  "Strange",
                                  "com.example",
                                  {x, graph::kNoValue, x},
                                  {},
                                  {{"int", std::int64_t{-3}},
                                   {"float", 0.1F},
                                   {"string", std::string("a\0b", 3)},
                                   {"tensor", Tensor::from<std::int64_t>({2}, {-1, 7})},
                                   {"ints", std::vector<std::int64_t>{}},
                                   {"floats", std::vector<float>{1, -0.0F}},
                                   {"strings", std::vector<std::string>{"", "b"}}}}));
  EXPECT_EQ(difference(graph, round_trip(graph)), "");
}

TEST(RoundTrip, KeepsConstantsOfEveryElementType) {
  Graph graph;
  for (int i = 0; i <= static_cast<int>(DataType::Bool); ++i) {
    const auto type = static_cast<DataType>(i);
    if (widened(type) != type) continue;  // read as float32
    const Tensor tensor = Tensor::from<std::int64_t>({3}, {1, 0, 1}).converted_to(type);
    const auto constant = graph.add_constant("c" + std::string(name_of(type)), tensor);
    const auto output = graph.add_op({"", "Identity", "", {constant}, {}, {}});
    graph.mutable_value(output).type = type;
    graph.mark_output(output);
  }
  graph.mark_output(
      graph.add_constant("minus", Tensor::from<std::int64_t>({1, 2}, {-1, 1LL << 60})));
  EXPECT_EQ(difference(graph, round_trip(graph)), "");
}

TEST(RoundTrip, SeesADifference) {
  const Graph graph = testing::small_network();
  Graph other = graph;
  other.mutable_node(0).attributes["pads"] = std::vector<std::int64_t>{1, 1, 1, 0};
  EXPECT_THAT(difference(graph, other), ::testing::HasSubstr("attribute 'pads' differs"));
  other = graph;
  other.mutable_value(other.find_value("stem.bias")).constant->mutable_data<float>()[0] += 1;
  EXPECT_THAT(difference(graph, other), ::testing::HasSubstr("constant 'stem.bias' differs"));
}

TEST(RoundTrip, RefusesFusedNodes) {
  Graph graph = testing::small_network();
  graph.mutable_node(0).domain = "ompq";
  EXPECT_THROW((void)export_onnx_bytes(graph), InternalError);
}

}  // namespace
}  // namespace ompq::onnx_io
