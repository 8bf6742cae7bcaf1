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
#include "ompq/onnx_io/exporter.h"
#include "ompq/pipeline/load_model.h"
#include "pipeline/integer_networks.h"
#include "support/graph_builder.h"
#include "support/judge.h"
#include "support/memory_dataset.h"
#include "support/paths.h"

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

/// With a constant of `extents` as the second operand, or as the first.
Middle with_constant(const std::string& op_type,
                     const std::vector<std::int64_t>& extents,
                     bool first = false) {
  return [=](GraphBuilder& b, ValueId x) {
    // Factors far from 0: others are not written as codes.
    const double mean = op_type == "Mul" || op_type == "Div" ? 1.0 : 0.0;
    const ValueId constant = b.normal_constant("constant", extents, 0.1, mean);
    return first ? b.binary(op_type, "op", constant, x) : b.binary(op_type, "op", x, constant);
  };
}

/// A part of a network before which ReduceMax or ReduceMin keeps its axes.
Middle reduced(const std::string& op_type) {
  return [=](GraphBuilder& b, ValueId x) {
    return b.op({.name = "op",
                 .op_type = op_type,
                 .inputs = {x},
                 .attributes = {{"axes", std::vector<std::int64_t>{3}}}},
                batch_of({4, 8, 1}));
  };
}

ValueId resize(GraphBuilder& b, ValueId x) {
  const ValueId factors = b.constant("factors", Tensor::from<float>({4}, {1, 1, 2, 2}));
  return b.op({.name = "op",
               .op_type = "Resize",
               .inputs = {x, graph::kNoValue, factors},
               .attributes = {{"mode", "nearest"},
                              {"coordinate_transformation_mode", "asymmetric"},
                              {"nearest_mode", "floor"}}},
              batch_of({4, 16, 16}));
}

/// Scores and weighted sums of attention: MatMul -> Mul -> Softmax -> MatMul.
ValueId attention(GraphBuilder& b, ValueId x) {
  const ValueId keys = b.transpose("turn", b.conv("keys", x, {.out = 4}), {0, 1, 3, 2});
  const ValueId scores = b.matmul("scores", b.conv("queries", x, {.out = 4}), keys);
  const ValueId factor = b.constant("factor", Tensor::scalar(0.35355338F));
  const ValueId chosen = b.op({.name = "softmax",
                               .op_type = "Softmax",
                               .inputs = {b.binary("Mul", "scale", scores, factor)},
                               .attributes = {{"axis", std::int64_t{-1}}}},
                              batch_of({4, 8, 8}));
  return b.matmul("op", chosen, b.conv("values", x, {.out = 4}));
}

Middle average_pool(std::vector<std::int64_t> kernel,
                    std::vector<std::int64_t> strides,
                    std::int64_t pad,
                    std::int64_t counts_padding,
                    std::vector<std::int64_t> extents) {
  return with_node({.op_type = "AveragePool",
                    .attributes = {{"kernel_shape", std::move(kernel)},
                                   {"strides", std::move(strides)},
                                   {"pads", std::vector<std::int64_t>(4, pad)},
                                   {"count_include_pad", counts_padding}}},
                   std::move(extents));
}

std::vector<OperatorCase> cases() {
  const auto second = [](GraphBuilder& b, ValueId x) {
    return b.conv("second", x, {.out = 4, .kernel = 1});
  };
  return {
      {"LeakyRelu", unary("LeakyRelu")},
      {"Sigmoid", unary("Sigmoid")},
      {"Softmax",
       with_node({.op_type = "Softmax", .attributes = {{"axis", std::int64_t{-1}}}}, {4, 8, 8})},
      {"Softmax",
       with_node({.op_type = "Softmax", .attributes = {{"axis", std::int64_t{1}}}}, {4, 8, 8})},
      {"Add", [=](GraphBuilder& b, ValueId x) { return b.add("op", x, second(b, x)); }},
      {"Mul", [=](GraphBuilder& b, ValueId x) { return b.binary("Mul", "op", x, second(b, x)); }},
      {"Concat",
       [=](GraphBuilder& b, ValueId x) {
         return b.concat("op", {x, second(b, x)}, 1);
       }},
      {"Add", with_constant("Add", {1, 4, 1, 1})},
      {"Add", with_constant("Add", {4, 1, 1}, /*first=*/true)},
      {"Add", with_constant("Add", {4, 8, 8}, /*first=*/true)},
      {"Add", with_constant("Add", {8})},
      {"Add", with_constant("Add", {})},
      {"Mul", with_constant("Mul", {1, 4, 1, 1})},
      {"Mul", with_constant("Mul", {}, /*first=*/true)},
      {"Sub", with_constant("Sub", {4, 1, 1})},
      {"Div", with_constant("Div", {4, 1, 1})},
      {"Mul",
       [=](GraphBuilder& b, ValueId x) {
         return b.binary("Mul", "op", b.global_average_pool("pool", second(b, x)), x);
       }},
      {"Add",
       [=](GraphBuilder& b, ValueId x) {
         return b.add("op", b.global_average_pool("pool", second(b, x)), x);
       }},
      {"MatMul", attention},
      {"Resize", resize},
      {"ReduceMax", reduced("ReduceMax")},
      {"ReduceMin", reduced("ReduceMin")},
      {"AveragePool", average_pool({2, 2}, {2, 2}, 0, 0, {4, 4, 4})},
      {"AveragePool", average_pool({3, 3}, {1, 1}, 1, 0, {4, 8, 8})},
      {"AveragePool", average_pool({3, 3}, {2, 2}, 1, 1, {4, 4, 4})},
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

TEST(IntegerOperators, RunOnIntegersBetweenLayersWithTheSameCodes) {
  OMPQ_JUDGE_OR_SKIP();
  const testing::TemporaryDirectory folder;
  const Tensor inputs = normal_inputs(100);
  const std::vector<OperatorCase> all = cases();
  std::vector<testing::JudgeJob> jobs;
  std::vector<Tensor> expected;
  const auto trace_of = [&](std::size_t i) {
    return all[i].op_type + ", case " + std::to_string(i);
  };
  for (std::size_t i = 0; i < all.size(); ++i) {
    SCOPED_TRACE(trace_of(i));
    const Model model = network_around(all[i]);
    const std::size_t layers = model.discovery.layers.size();
    const QuantizedNetwork network = integer_network(
        model, normal_samples(inputs), std::vector<int>(layers, 4), std::vector<int>(layers, 8));
    auto operators = rewritten_operators(network, {}, normal_inputs(2));
    EXPECT_EQ(operators["Conv"], 0) << "a layer stayed float";
    EXPECT_EQ(operators["Gemm"], 0) << "a layer stayed float";
    EXPECT_EQ(operators["MatMul"], 0) << "a product stayed float";
    EXPECT_EQ(operators["QuantizeLinear"], 1) << "only the input is quantized";
    EXPECT_LE(operators["DequantizeLinear"], 1) << "only the output is decoded";
    const auto file = folder / (std::to_string(i) + ".onnx");
    onnx_io::write_onnx_file(file, export_file(network, {}));
    jobs.push_back({.model = file, .inputs = {{"x", inputs}}});
    expected.push_back(run_here(network, inputs));
  }
  const auto answers = testing::run_jobs(testing::Judge::Node, jobs);
  ASSERT_EQ(answers.size(), all.size());
  for (std::size_t i = 0; i < all.size(); ++i) {
    SCOPED_TRACE(trace_of(i));
    ASSERT_EQ(answers[i].refusal, "");
    EXPECT_EQ(different_elements(expected[i], answers[i].outputs.front()), 0);
  }
}

TEST(IntegerOperators, ComputeTheSameCodesWithAvx2AndInWebAssembly) {
  OMPQ_JUDGE_OR_SKIP(testing::Judge::Haswell);
  OMPQ_JUDGE_OR_SKIP(testing::Judge::Web);
  const testing::TemporaryDirectory folder;
  const Tensor inputs = normal_inputs(40);
  std::vector<testing::JudgeJob> jobs;
  std::vector<std::string> names;
  std::vector<Tensor> expected;
  for (const OperatorCase& tried : cases()) {
    const Model model = network_around(tried);
    const std::size_t layers = model.discovery.layers.size();
    const QuantizedNetwork network = integer_network(
        model, normal_samples(inputs), std::vector<int>(layers, 4), std::vector<int>(layers, 8));
    const auto file = folder / (std::to_string(jobs.size()) + ".onnx");
    onnx_io::write_onnx_file(file, export_file(network, {}));
    names.push_back(tried.op_type + ", case " + std::to_string(jobs.size()));
    jobs.push_back({.model = file, .inputs = {{"x", inputs}}});
    expected.push_back(run_here(network, inputs));
  }
  for (const testing::Judge judge : {testing::Judge::Haswell, testing::Judge::Web}) {
    SCOPED_TRACE(judge == testing::Judge::Web ? "WebAssembly" : "AVX2");
    const auto answers = testing::run_jobs(judge, jobs);
    for (std::size_t j = 0; j < jobs.size(); ++j) {
      ASSERT_EQ(answers[j].refusal, "") << names[j];
      EXPECT_EQ(different_elements(expected[j], answers[j].outputs.front()), 0) << names[j];
    }
  }
}

/// Convolutions and pools over one or three spatial axes.
class Lines {
 public:
  explicit Lines(std::size_t axes) : axes_(axes) {}

  [[nodiscard]] graph::Shape shape(std::int64_t channels, std::int64_t extent) const {
    std::vector<std::int64_t> extents(axes_, extent);
    extents.insert(extents.begin(), channels);
    return batch_of(extents);
  }

  /// Weights of 3 x ... x 3, padded.
  ValueId conv(GraphBuilder& b,
               const std::string& name,
               ValueId x,
               std::int64_t out,
               std::int64_t groups) const {
    std::vector<std::int64_t> weight(axes_, 3);
    weight.insert(weight.begin(), {out, b.channels(x) / groups});
    const ValueId weights = b.normal_constant(name + ".weight", weight, 0.2);
    const ValueId bias = b.normal_constant(name + ".bias", {out}, 0.1);
    return b.op({.name = name,
                 .op_type = "Conv",
                 .inputs = {x, weights, bias},
                 .attributes = {{"pads", std::vector<std::int64_t>(2 * axes_, 1)},
                                {"kernel_shape", std::vector<std::int64_t>(axes_, 3)},
                                {"group", groups}}},
                shape(out, 4));
  }

  ValueId pool(GraphBuilder& b, const std::string& op_type, ValueId x) const {
    return b.op({.name = op_type,
                 .op_type = op_type,
                 .inputs = {x},
                 .attributes = {{"kernel_shape", std::vector<std::int64_t>(axes_, 3)},
                                {"pads", std::vector<std::int64_t>(2 * axes_, 1)}}},
                shape(b.channels(x), 4));
  }

 private:
  std::size_t axes_;
};

TEST(IntegerOperators, ComputeTheSameCodesOverOneAndThreeSpatialAxes) {
  OMPQ_JUDGE_OR_SKIP();
  for (const std::size_t axes : {1, 3}) {
    SCOPED_TRACE(axes);
    const Lines lines(axes);
    GraphBuilder b("lines");
    const ValueId x = b.input("x", lines.shape(4, 4));
    ValueId y = b.relu("relu", lines.conv(b, "first", x, 8, 1));
    y = b.add("sum", lines.conv(b, "groups", y, 8, 2), lines.pool(b, "MaxPool", y));
    y = lines.pool(b, "AveragePool", lines.conv(b, "each", y, 8, 8));
    Model model;
    model.graph = b.finish({b.gemm("head", b.flatten("flat", y), 5)});
    model.discovery = graph::discover(model.graph);
    std::vector<std::int64_t> extents(axes + 2, 4);
    extents[0] = 40;
    Tensor inputs(DataType::Float32, extents);
    Random random(9);
    for (float& value : inputs.mutable_data<float>()) value = static_cast<float>(random.normal());
    const QuantizedNetwork network =
        integer_network(model, normal_samples(inputs), {4, 5, 8, 4}, {8, 8, 6, 8});
    auto operators = rewritten_operators(network, {}, inputs);
    EXPECT_EQ(operators["QLinearConv"], 3);
    EXPECT_EQ(operators["QLinearAveragePool"], 1);
    EXPECT_EQ(operators["QuantizeLinear"], 1);
    const Tensor got =
        testing::run_bytes_in_onnxruntime(export_file(network, {}).model, {{"x", inputs}}).front();
    EXPECT_EQ(different_elements(run_here(network, inputs), got), 0);
  }
}

/// Products stay on integers where their results are float: with a bias, or before a float
/// operator.
TEST(IntegerOperators, LeaveBiasesOfProductsInFloat) {
  OMPQ_JUDGE_OR_SKIP();
  for (const std::size_t rank : {2, 3}) {
    SCOPED_TRACE(rank);
    GraphBuilder b("linear");
    std::vector<std::int64_t> extents(rank - 1, 16);
    const ValueId x = b.input("x", batch_of(extents));
    ValueId y = b.relu("relu", b.linear("first", x, 16));
    y = b.unary("Abs", "abs", b.linear("second", y, 16, /*bias=*/false));
    if (rank == 3)
      y = b.matmul("product", y, b.transpose("turn", b.linear("keys", y, 16), {0, 2, 1}));
    Model model;
    model.graph = b.finish({b.linear("last", y, 16)});
    model.discovery = graph::discover(model.graph);
    const std::size_t layers = model.discovery.layers.size();
    extents.insert(extents.begin(), 60);
    Tensor inputs(DataType::Float32, extents);
    Random random(21);
    for (float& value : inputs.mutable_data<float>()) value = static_cast<float>(random.normal());
    const QuantizedNetwork network = integer_network(
        model, normal_samples(inputs), std::vector<int>(layers, 4), std::vector<int>(layers, 8));
    auto operators = rewritten_operators(network, {}, inputs);
    EXPECT_EQ(operators["MatMul"], 0);
    EXPECT_EQ(operators["Gemm"], 0);
    const Tensor got =
        testing::run_bytes_in_onnxruntime(export_file(network, {}).model, {{"x", inputs}}).front();
    EXPECT_EQ(different_elements(run_here(network, inputs), got), 0);
  }
}

/// Files with coded constants are read back with the same results, and have the predicted size.
TEST(IntegerOperators, KeepTheCodesOfConstantsInTheFile) {
  for (const OperatorCase& tried : cases()) {
    if (tried.op_type != "Add" && tried.op_type != "Mul" && tried.op_type != "Div") continue;
    const Model model = network_around(tried);
    const Tensor inputs = normal_inputs(20);
    const std::vector<int> weights(model.discovery.layers.size(), 4);
    const std::vector<int> activations(model.discovery.layers.size(), 8);
    const QuantizedNetwork network =
        integer_network(model, normal_samples(inputs), weights, activations);
    const testing::TemporaryDirectory folder;
    const auto file = folder / "around.onnx";
    const onnx_io::OnnxFile written = export_file(network, {});
    onnx_io::write_onnx_file(file, written);
    const QuantizedNetwork there{.graph = load_graph(file), .weights = {}};
    EXPECT_EQ(different_elements(run_here(network, inputs), run_here(there, inputs)), 0)
        << tried.op_type;
    const FileSize promised(
        model, {.symmetry = quant::Symmetry::Asymmetric, .target = kTarget}, {});
    EXPECT_EQ(promised.bytes(weights, activations), static_cast<std::int64_t>(written.size()))
        << tried.op_type;
  }
}

/// Rows without a case: they are not operators between layers of a written network.
const std::set<std::string> kOthers{
    "QuantizeLinear", "DequantizeLinear", "Identity", "Max", "Shape", "Upsample"};

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
