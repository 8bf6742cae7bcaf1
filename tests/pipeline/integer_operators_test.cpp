#include <algorithm>
#include <cmath>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "ompq/graph/operator_traits.h"
#include "pipeline/integer_networks.h"
#include "support/graph_builder.h"
#include "support/memory_dataset.h"

/// Every row of the operator table that claims an integer form, between two layers in ONNX Runtime.
namespace ompq::pipeline {
namespace {

using graph::Dim;
using graph::IntegerForm;
using graph::ValueId;
using testing::GraphBuilder;

graph::Shape batch_of(const std::vector<std::int64_t>& extents) {
  graph::Shape shape{Dim::batch()};
  for (const std::int64_t extent : extents) shape.push_back(Dim::fixed(extent));
  return shape;
}

/// From the output [N, 4, 8, 8] of a convolution to the input of the next layer.
using Middle = std::function<ValueId(GraphBuilder&, ValueId)>;

struct OperatorCase {
  std::string op_type;
  Middle middle;
  bool ends_flat = false;  ///< followed by a Gemm instead of a convolution
  /// False: the kernel adds rounded exponentials of a table, so that some codes differ by one.
  bool rounds_alike = true;
};

Middle unary(const std::string& op_type) {
  return [=](GraphBuilder& b, ValueId x) { return b.unary(op_type, "op", x); };
}

Middle with_node(graph::Node node, std::vector<std::int64_t> extents) {
  return [=](GraphBuilder& b, ValueId x) {
    graph::Node own = node;
    own.name = "op";
    own.inputs = {x};
    return b.op(std::move(own), batch_of(extents));
  };
}

ValueId numbers(GraphBuilder& builder,
                const std::string& name,
                const std::vector<std::int64_t>& values) {
  return builder.constant(name, Tensor::from({static_cast<std::int64_t>(values.size())}, values));
}

ValueId slice(GraphBuilder& b, ValueId x) {
  return b.op(
      {.name = "op",
       .op_type = "Slice",
       .inputs = {x, numbers(b, "starts", {1}), numbers(b, "ends", {7}), numbers(b, "axes", {2})}},
      batch_of({4, 6, 8}));
}

ValueId gather(GraphBuilder& b, ValueId x) {
  return b.op({.name = "op",
               .op_type = "Gather",
               .inputs = {x, numbers(b, "indices", {3, 1, 0})},
               .attributes = {{"axis", std::int64_t{1}}}},
              batch_of({3, 8, 8}));
}

ValueId tile(GraphBuilder& b, ValueId x) {
  return b.op({.name = "op", .op_type = "Tile", .inputs = {x, numbers(b, "repeats", {1, 1, 1, 2})}},
              batch_of({4, 8, 16}));
}

ValueId expand(GraphBuilder& b, ValueId x) {
  return b.op({.name = "op",
               .op_type = "Expand",
               .inputs = {b.global_average_pool("pool", x), numbers(b, "extents", {1, 4, 2, 2})}},
              batch_of({4, 2, 2}));
}

/// One more axis, and back.
ValueId unsqueeze_and_squeeze(GraphBuilder& b, ValueId x) {
  const ValueId more =
      b.op({.name = "more", .op_type = "Unsqueeze", .inputs = {x, numbers(b, "place", {2})}},
           batch_of({4, 1, 8, 8}));
  const ValueId turned = b.transpose("turn", more, {0, 1, 2, 4, 3});
  return b.op({.name = "op", .op_type = "Squeeze", .inputs = {turned, numbers(b, "axis", {2})}},
              batch_of({4, 8, 8}));
}

/// Two halves, joined the other way round.
ValueId split(GraphBuilder& b, ValueId x) {
  graph::Graph& graph = b.graph();
  const ValueId sizes = numbers(b, "sizes", {2, 2});
  const ValueId first = b.op({.name = "op",
                              .op_type = "Split",
                              .inputs = {x, sizes},
                              .attributes = {{"axis", std::int64_t{1}}}},
                             batch_of({2, 8, 8}));
  const ValueId second = graph.add_value({.name = "second_half", .shape = batch_of({2, 8, 8})});
  graph.mutable_node(graph.producer(first)).outputs.push_back(second);
  return b.concat("join", {second, first}, 1);
}

std::vector<OperatorCase> cases() {
  const auto second = [](GraphBuilder& b, ValueId x) {
    return b.conv("second", x, {.out = 4, .kernel = 1});
  };
  return {
      {"LeakyRelu", unary("LeakyRelu")},
      {"Sigmoid", unary("Sigmoid")},
      {"Softmax",
       with_node({.op_type = "Softmax", .attributes = {{"axis", std::int64_t{-1}}}}, {4, 8, 8}),
       false,
       false},
      {"Add", [=](GraphBuilder& b, ValueId x) { return b.add("op", x, second(b, x)); }},
      {"Mul", [=](GraphBuilder& b, ValueId x) { return b.binary("Mul", "op", x, second(b, x)); }},
      {"Concat",
       [=](GraphBuilder& b, ValueId x) {
         return b.concat("op", {x, second(b, x)}, 1);
       }},
      {"AveragePool",
       with_node({.op_type = "AveragePool",
                  .attributes = {{"kernel_shape", std::vector<std::int64_t>{2, 2}},
                                 {"strides", std::vector<std::int64_t>{2, 2}}}},
                 {4, 4, 4})},
      {"GlobalAveragePool",
       [](GraphBuilder& b, ValueId x) { return b.global_average_pool("op", x); }},
      {"MaxPool", [](GraphBuilder& b, ValueId x) { return b.max_pool("op", x, 2, 2, 0); }},
      {"Transpose",
       [](GraphBuilder& b, ValueId x) {
         return b.transpose("op", x, {0, 1, 3, 2});
       }},
      {"Reshape",
       [](GraphBuilder& b, ValueId x) {
         return b.reshape("op", x, {0, 16, 4, 4}, batch_of({16, 4, 4}));
       }},
      {"Flatten", [](GraphBuilder& b, ValueId x) { return b.flatten("op", x); }, true},
      {"Slice", slice},
      {"Gather", gather},
      {"Tile", tile},
      {"Expand", expand},
      {"Squeeze", unsqueeze_and_squeeze},
      {"Unsqueeze", unsqueeze_and_squeeze},
      {"Split", split},
      {"DepthToSpace",
       with_node({.op_type = "DepthToSpace", .attributes = {{"blocksize", std::int64_t{2}}}},
                 {1, 16, 16})},
  };
}

Model network_around(const OperatorCase& tried) {
  GraphBuilder builder("around_" + tried.op_type, 3);
  const auto x = builder.input("x", batch_of({4, 8, 8}));
  const auto middle =
      tried.middle(builder, builder.conv("first", x, {.out = 4, .kernel = 3, .bias = true}));
  // A convolution that produced the network's output would stay float.
  const auto flat =
      tried.ends_flat
          ? middle
          : builder.flatten("flat", builder.conv("last", middle, {.out = 5, .bias = true}));
  const auto end = builder.gemm("head", flat, 5);
  Model model;
  model.file = "around.onnx";
  model.sha256 = "0";
  model.graph = builder.finish({end});
  model.discovery = graph::discover(model.graph);
  return model;
}

Samples normal_samples(const Tensor& x) {
  Samples samples;
  samples.dataset = std::make_unique<testing::MemoryDataset>(x);
  for (std::int64_t i = 0; i < x.shape()[0]; ++i) samples.indices.push_back(i);
  return samples;
}

Tensor normal_inputs(std::int64_t count) {
  Tensor x(DataType::Float32, {count, 4, 8, 8});
  Random random(5);
  for (float& value : x.mutable_data<float>()) value = static_cast<float>(random.normal());
  return x;
}

/// The largest difference, relative to the largest element.
double relative_error(const Tensor& expected, const Tensor& got) {
  double error = 0.0;
  double range = 0.0;
  for (std::size_t i = 0; i < expected.data<float>().size(); ++i) {
    const double e = expected.data<float>()[i];
    error = std::max(error, std::abs(e - static_cast<double>(got.data<float>()[i])));
    range = std::max(range, std::abs(e));
  }
  return error / range;
}

TEST(IntegerOperators, RunOnIntegersBetweenLayersWithTheSameCodes) {
  OMPQ_JUDGE_OR_SKIP();
  const Tensor inputs = normal_inputs(100);
  for (const OperatorCase& tried : cases()) {
    SCOPED_TRACE(tried.op_type);
    const Model model = network_around(tried);
    const std::size_t layers = model.discovery.layers.size();
    const QuantizedNetwork network = integer_network(
        model, normal_samples(inputs), std::vector<int>(layers, 4), std::vector<int>(layers, 8));
    auto operators = rewritten_operators(network, {}, normal_inputs(2));
    EXPECT_EQ(operators["Conv"], 0) << "a layer stayed float";
    EXPECT_EQ(operators["Gemm"], 0) << "a layer stayed float";
    EXPECT_EQ(operators["QuantizeLinear"], 1) << "only the input is quantized";
    EXPECT_LE(operators["DequantizeLinear"], 1) << "only the output is decoded";
    const Tensor got =
        testing::run_bytes_in_onnxruntime(export_file(network, {}).model, {{"x", inputs}}).front();
    const Tensor expected = run_here(network, inputs);
    if (tried.rounds_alike) {
      EXPECT_EQ(different_elements(expected, got), 0);
    } else {
      EXPECT_LT(relative_error(expected, got), 1e-2);
      EXPECT_GT(different_elements(expected, got), 0) << "remove the exception";
    }
  }
}

/// Rows without a case: they are not operators between layers of a written network.
const std::set<std::string> kOthers{
    "QuantizeLinear", "DequantizeLinear", "Identity", "Max", "Shape"};

TEST(IntegerOperators, EveryRowThatClaimsAnIntegerFormIsTried) {
  std::set<std::string> tried = kOthers;
  for (const OperatorCase& one : cases()) tried.insert(one.op_type);
  for (const graph::OperatorTraits& row : graph::operator_traits().rows()) {
    if (row.integer == IntegerForm::Float || row.integer == IntegerForm::Product) continue;
    EXPECT_TRUE(tried.contains(std::string(row.type))) << row.type;
  }
}

}  // namespace
}  // namespace ompq::pipeline
