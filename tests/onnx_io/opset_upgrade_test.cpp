#include "ompq/onnx_io/opset_upgrade.h"

#include <cmath>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ompq/core/error.h"
#include "ompq/onnx_io/exporter.h"
#include "ompq/onnx_io/importer.h"
#include "onnx_io/model_text.h"
#include "onnx_io/small_network.h"
#include "support/graph_difference.h"
#include "support/judge.h"

namespace ompq::onnx_io {
namespace {

using graph::Graph;
using ::testing::HasSubstr;

struct OldNode {
  std::string title;
  int opset;
  std::string node;          ///< reads x [2, 4, 3, 5], makes y
  std::string initializers;  ///< what else it reads
};

Graph import_old(const OldNode& old) {
  const onnx::ModelProto model = testing::model_with_graph(
      R"(input { name: "x" )" +
          testing::tensor_type("dim { dim_value: 2 } dim { dim_value: 4 } dim { dim_value: 3 } dim "
                               "{ dim_value: 5 }") +
          R"( } output { name: "y" type { tensor_type { elem_type: 1 } } } )" + old.initializers +
          " node { name: \"n\" input: \"x\" " + old.node + " }",
      old.opset);
  return import_onnx_bytes(model.SerializeAsString());
}

std::string ints(const std::string& name, const std::string& values) {
  return "attribute { name: \"" + name + "\" type: INTS ints: " + values + " } ";
}
std::string integer(const std::string& name, int value) {
  return "attribute { name: \"" + name + "\" type: INT i: " + std::to_string(value) + " } ";
}
std::string number(const std::string& name, const std::string& value) {
  return "attribute { name: \"" + name + "\" type: FLOAT f: " + value + " } ";
}
std::string text(const std::string& name, const std::string& value) {
  return "attribute { name: \"" + name + "\" type: STRING s: \"" + value + "\" } ";
}

std::vector<OldNode> old_nodes() {
  const std::string y = "output: \"y\" ";
  const std::string scales = R"(attribute { name: "scales" type: FLOATS floats: [1, 1, 2, 3] } )";
  const auto factors = [](const std::string& values) {
    return R"(initializer { name: "s" data_type: 1 dims: 4 float_data: )" + values + " }";
  };
  return {
      {"Clip7", 7, "op_type: \"Clip\" " + y + number("min", "-0.5") + number("max", "0.25"), ""},
      {"ClipWithoutMin9", 9, "op_type: \"Clip\" " + y + number("max", "0.25"), ""},
      {"Pad10",
       10,
       "op_type: \"Pad\" " + y + ints("pads", "[0, 0, 1, 2, 0, 0, 0, 1]") + number("value", "3.5"),
       ""},
      {"PadReflect7",
       7,
       "op_type: \"Pad\" " + y + ints("pads", "[0, 0, 1, 2, 0, 0, 0, 1]") + text("mode", "reflect"),
       ""},
      {"Slice9",
       9,
       "op_type: \"Slice\" " + y + ints("starts", "[1, -3]") + ints("ends", "[3, 100]") +
           ints("axes", "[1, 3]"),
       ""},
      {"SliceAllAxes7",
       7,
       "op_type: \"Slice\" " + y + ints("starts", "[0, 1, 0, 2]") + ints("ends", "[2, 3, 3, 4]"),
       ""},
      {"Unsqueeze11", 11, "op_type: \"Unsqueeze\" " + y + ints("axes", "[0, 3]"), ""},
      {"ReduceSum12",
       12,
       "op_type: \"ReduceSum\" " + y + ints("axes", "[1, 3]") + integer("keepdims", 0),
       ""},
      {"ReduceSumOfAll11", 11, "op_type: \"ReduceSum\" " + y, ""},
      {"Split11",
       11,
       "op_type: \"Split\" output: \"z\" " + y + ints("split", "[1, 3]") + integer("axis", 1),
       ""},
      {"SplitEvenly8", 8, "op_type: \"Split\" output: \"z\" " + y + integer("axis", 1), ""},
      {"TopK9", 9, "op_type: \"TopK\" " + y + "output: \"i\" " + integer("k", 2), ""},
      {"Dropout7", 7, "op_type: \"Dropout\" " + y + number("ratio", "0.3"), ""},
      {"SoftmaxOverAllBehindAxis1", 7, "op_type: \"Softmax\" " + y, ""},
      {"SoftmaxOverAllBehindAxis2", 11, "op_type: \"Softmax\" " + y + integer("axis", 2), ""},
      {"SoftmaxOverTheLastAxis", 12, "op_type: \"Softmax\" " + y + integer("axis", 3), ""},
      {"SoftmaxOverNegativeAxis", 11, "op_type: \"Softmax\" " + y + integer("axis", -2), ""},
      {"LogSoftmax9", 9, "op_type: \"LogSoftmax\" " + y + integer("axis", 1), ""},
      {"UpsampleNearest7", 7, "op_type: \"Upsample\" " + y + scales, ""},
      {"UpsampleLinear7", 7, "op_type: \"Upsample\" " + y + scales + text("mode", "linear"), ""},
      {"UpsampleNearest9",
       9,
       "op_type: \"Upsample\" input: \"s\" " + y,
       factors("[1, 1, 1.5, 2.5]")},
      {"ResizeNearestUp10", 10, "op_type: \"Resize\" input: \"s\" " + y, factors("[1, 1, 2, 1.6]")},
      {"ResizeNearestDown10",
       10,
       "op_type: \"Resize\" input: \"s\" " + y,
       factors("[1, 1, 0.7, 0.5]")},
      {"ResizeLinear10",
       10,
       "op_type: \"Resize\" input: \"s\" " + y + text("mode", "linear"),
       factors("[1, 1, 0.7, 1.5]")},
      {"BatchNormalization7",
       7,
       "op_type: \"BatchNormalization\" input: \"b\" input: \"b\" input: \"b\" input: \"b\" " + y +
           integer("spatial", 1),
       R"(initializer { name: "b" data_type: 1 dims: 4 float_data: [1, 2, 3, 4] })"},
  };
}

class UpgradedNode : public ::testing::TestWithParam<OldNode> {};

TEST_P(UpgradedNode, ComputesTheSame) {
  OMPQ_JUDGE_OR_SKIP();
  const Graph old = import_old(GetParam());
  const Graph renewed = upgraded(old);
  EXPECT_EQ(renewed.opset, 13);
  const std::map<std::string, Tensor> inputs{{"x", testing::normal_tensor({2, 4, 3, 5}, 1)}};
  const auto expected = testing::run_bytes_in_onnxruntime(export_onnx_bytes(old), inputs).at(0);
  const auto got = testing::run_bytes_in_onnxruntime(export_onnx_bytes(renewed), inputs).at(0);
  ASSERT_EQ(got.shape(), expected.shape());
  for (std::size_t i = 0; i < expected.data<float>().size(); ++i) {
    // The same operation in another kernel may round its sums otherwise, a few units of 2^-24.
    ASSERT_NEAR(got.data<float>()[i], expected.data<float>()[i], 1e-6F) << "element " << i;
  }
}

INSTANTIATE_TEST_SUITE_P(Old, UpgradedNode, ::testing::ValuesIn(old_nodes()), [](const auto& row) {
  return row.param.title;
});

/// Nodes of opset 13 and newer that have another form in 21, next to the older ones.
std::vector<OldNode> nodes_before_21() {
  const std::string y = "output: \"y\" ";
  const std::string norm = R"(initializer { name: "a" data_type: 1 dims: 2 float_data: [1, 3] }
                              initializer { name: "b" data_type: 1 dims: 2 float_data: [0.5, -2] })";
  std::vector<OldNode> nodes = old_nodes();
  for (const char* type : {"L1", "L2", "LogSumExp", "Max", "Mean", "Min", "Prod", "SumSquare"}) {
    nodes.push_back({std::string("Reduce") + type + "Of13",
                     13,
                     std::string("op_type: \"Reduce") + type + "\" " + y + ints("axes", "[1, -1]"),
                     ""});
  }
  nodes.push_back(
      {"ReduceMaxOfAll17", 17, "op_type: \"ReduceMax\" " + y + integer("keepdims", 0), ""});
  nodes.push_back(
      {"SplitEvenly13", 13, "op_type: \"Split\" output: \"z\" " + y + integer("axis", 1), ""});
  nodes.push_back(
      {"GroupNormalization18",
       18,
       "op_type: \"GroupNormalization\" input: \"a\" input: \"b\" " + y + integer("num_groups", 2),
       norm});
  const std::string grid = R"(initializer { name: "g" data_type: 1 dims: 2 dims: 2 dims: 2 dims: 2
      float_data: [-0.9, -0.8, 0.1, 0.2, 0.6, -0.3, 1.2, 0.7, 0, 0, 0.5, 0.5, -1, 1, 0.3, -0.6] })";
  for (const std::string mode : {"bilinear", "bicubic", "nearest"}) {
    nodes.push_back({"GridSample16" + mode,
                     16,
                     "op_type: \"GridSample\" input: \"g\" " + y + text("mode", mode) +
                         text("padding_mode", "border"),
                     grid});
  }
  nodes.push_back({"GridSample16", 16, "op_type: \"GridSample\" input: \"g\" " + y, grid});
  nodes.push_back({"AveragePool13",
                   13,
                   "op_type: \"AveragePool\" " + y + ints("kernel_shape", "[2, 2]") +
                       ints("strides", "[2, 2]") + integer("ceil_mode", 1),
                   ""});
  return nodes;
}

class UpgradedToTheNewest : public ::testing::TestWithParam<OldNode> {};

TEST_P(UpgradedToTheNewest, ComputesTheSame) {
  OMPQ_JUDGE_OR_SKIP();
  const Graph old = import_old(GetParam());
  const Graph renewed = upgraded(old, kMaxWrittenOpset);
  EXPECT_EQ(renewed.opset, kMaxWrittenOpset);
  const std::map<std::string, Tensor> inputs{{"x", testing::normal_tensor({2, 4, 3, 5}, 1)}};
  const auto expected = testing::run_bytes_in_onnxruntime(export_onnx_bytes(old), inputs).at(0);
  const auto got = testing::run_bytes_in_onnxruntime(export_onnx_bytes(renewed), inputs).at(0);
  ASSERT_EQ(got.shape(), expected.shape());
  for (std::size_t i = 0; i < expected.data<float>().size(); ++i) {
    const float wanted = expected.data<float>()[i];
    // The same operation in another kernel may round its sums otherwise, a few units of 2^-24.
    ASSERT_NEAR(got.data<float>()[i], wanted, 1e-6F * (1 + std::abs(wanted))) << "element " << i;
  }
}

INSTANTIATE_TEST_SUITE_P(Old,
                         UpgradedToTheNewest,
                         ::testing::ValuesIn(nodes_before_21()),
                         [](const auto& row) { return row.param.title; });

TEST(Upgraded, LeavesNewerNetworksAsTheyAre) {
  Graph graph = testing::small_network();
  for (const int opset : {13, 17, 21}) {
    graph.opset = opset;
    EXPECT_EQ(testing::difference(graph, upgraded(graph)), "");
  }
}

TEST(Upgraded, LeavesNodesThatHaveTheNewFormAlready) {
  Graph graph = testing::small_network();
  graph.opset = 9;
  const graph::ValueId high = graph.add_constant("high", Tensor::scalar(6.0F));
  const graph::ValueId head = graph.outputs().at(0);
  const graph::ValueId clipped =
      graph.add_op({"clip", "Clip", "", {head, graph::kNoValue, high}, {}, {}});
  graph.replace_uses(head, clipped, true);
  graph.mutable_node(static_cast<graph::NodeId>(graph.nodes().size()) - 1).inputs[0] = head;
  const Graph renewed = upgraded(graph);
  EXPECT_EQ(renewed.nodes().back().inputs, graph.nodes().back().inputs);
}

TEST(Upgraded, ListsEveryNodeWithoutANewForm) {
  const Graph graph = import_old(
      {"",
       7,
       "op_type: \"BatchNormalization\" input: \"b\" input: \"b\" input: \"b\" input: \"b\" "
       "output: \"y\" " +
           integer("spatial", 0),
       R"(initializer { name: "b" data_type: 1 dims: 4 float_data: [1, 2, 3, 4] })"});
  try {
    (void)upgraded(graph);
    FAIL() << "nothing was thrown";
  } catch (const UnsupportedOp& error) {
    EXPECT_THAT(error.what(),
                HasSubstr("BatchNormalization node 'n': it normalizes every position"));
  }
}

TEST(Upgraded, IsWhatPackedFilesOfOldNetworksAre) {
  Graph graph = testing::small_network();
  graph.opset = 7;
  ExportOptions options;
  options.quantized["head.weight"] = testing::quantized(
      graph, "head.weight", BitWidth(3), quant::Symmetry::Symmetric, quant::Granularity::along(1));
  EXPECT_EQ(import_onnx_bytes(export_onnx_bytes(graph, options)).opset, 13);
  EXPECT_EQ(import_onnx_bytes(export_onnx_bytes(graph)).opset, 7);
}

}  // namespace
}  // namespace ompq::onnx_io
