/// Operators that the importer takes apart say what they said whole.
#include <map>
#include <string>
#include <vector>

#include <ATen/core/grad_mode.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ompq/onnx_io/exporter.h"
#include "ompq/onnx_io/importer.h"
#include "ompq/ops/aten_bridge.h"
#include "ompq/ops/infer.h"
#include "ompq/ops/sub_graphs.h"
#include "ops/case_runner.h"
#include "support/judge.h"

namespace ompq::ops {
namespace {

using testing::constant;
using testing::counting;
using testing::data;
using testing::Floats;
using testing::Ints;
using testing::normal;
using testing::OpCase;
using testing::uniform;

struct Lowered {
  OpCase op_case;
  std::vector<std::string> types;  ///< what it becomes, in order
};

testing::CaseInput number(float value) { return constant(Tensor::scalar(value)); }
testing::CaseInput zero(std::uint8_t value) { return constant(Tensor::scalar(value)); }

OpCase microsoft(const std::string& type,
                 std::map<std::string, graph::Attribute> attributes,
                 std::vector<testing::CaseInput> inputs) {
  return OpCase{type, 13, "", std::move(attributes), std::move(inputs)}.of_microsoft();
}

std::vector<Lowered> fused_operators_of_the_runtime() {
  const auto image = data(normal({2, 3, 5, 5}, 1));
  const auto kernel = constant(normal({4, 3, 3, 3}, 2));
  const auto bias = constant(normal({4}, 3));
  const auto tokens = data(normal({2, 4, 6}, 1));
  const auto skip = data(normal({2, 4, 6}, 2));
  const auto gamma = constant(uniform({6}, 0.5F, 2, 3));
  const auto beta = constant(normal({6}, 4));
  const Ints pads{1, 1, 1, 1};
  return {
      {microsoft("FusedConv", {{"activation", "Relu"}, {"pads", pads}}, {image, kernel, bias}),
       {"Conv", "Relu"}},
      {microsoft("FusedConv",
                 {{"activation", "Clip"}, {"activation_params", Floats{-0.5F, 0.7F}}},
                 {image, kernel}),
       {"Conv", "Clip"}},
      {microsoft("FusedConv",
                 {{"activation", "Relu"}, {"pads", pads}},
                 {image, kernel, bias, data(normal({2, 4, 5, 5}, 5))}),
       {"Conv", "Add", "Relu"}},
      {microsoft("FusedGemm",
                 {{"activation", "LeakyRelu"}, {"activation_alpha", 0.2F}, {"transB", 1}},
                 {data(normal({3, 6}, 1)), constant(normal({4, 6}, 2)), bias}),
       {"Gemm", "LeakyRelu"}},
      {microsoft(
           "FusedMatMul", {{"alpha", 0.5F}, {"transB", 1}}, {tokens, constant(normal({5, 6}, 2))}),
       {"MatMul", "Mul"}},
      {microsoft("BiasGelu", {}, {tokens, beta}), {"Add", "Gelu"}},
      {microsoft("FastGelu", {}, {tokens, beta}), {"Add", "FastGelu"}},
      {microsoft("SkipLayerNormalization", {{"epsilon", 1e-5F}}, {tokens, skip, gamma, beta, beta}),
       {"Add", "Add", "LayerNormalization"}},
      {microsoft("SkipLayerNormalization", {{"epsilon", 1e-5F}}, {tokens, skip, gamma}),
       {"Add", "LayerNormalization"}},
      {microsoft("SkipSimplifiedLayerNormalization", {{"epsilon", 1e-5F}}, {tokens, skip, gamma}),
       {"Add", "SimplifiedLayerNormalization"}},
  };
}

std::vector<Lowered> operators_over_codes() {
  const auto codes = data(counting(DataType::UInt8, {2, 3, 5, 5}, 0, 255));
  const auto weights = constant(counting(DataType::Int8, {4, 3, 3, 3}, -120, 127));
  const auto scales = constant(uniform({4}, 0.001F, 0.003F, 1));
  const auto zeros = constant(Tensor(DataType::Int8, {4}));
  const auto biases = constant(counting(DataType::Int32, {4}, -300, 300));
  const auto rows = data(counting(DataType::UInt8, {3, 6}, 0, 255));
  const auto matrix = constant(counting(DataType::Int8, {6, 4}, -12, 12));
  const auto step = number(0.02F);
  const auto around = [&](const std::string& type) {
    return std::vector<std::string>{"DequantizeLinear", type, "QuantizeLinear"};
  };
  return {
      {OpCase{"QLinearConv",
              13,
              "",
              {{"pads", Ints{1, 1, 1, 1}}},
              {codes, step, zero(128), weights, scales, zeros, number(0.04F), zero(120), biases}},
       around("Conv")},
      {OpCase{"QLinearMatMul",
              13,
              "",
              {},
              {rows,
               step,
               zero(128),
               matrix,
               number(0.01F),
               constant(Tensor::scalar<std::int8_t>(0)),
               number(0.03F),
               zero(100)}},
       around("MatMul")},
      {microsoft("QGemm",
                 {},
                 {rows,
                  step,
                  zero(128),
                  matrix,
                  number(0.01F),
                  constant(Tensor::scalar<std::int8_t>(0)),
                  biases,
                  number(0.03F),
                  zero(100)}),
       around("Gemm")},
      {microsoft("QLinearSigmoid", {}, {codes, step, zero(128), number(1.0F / 256), zero(0)}),
       around("Sigmoid")},
      {microsoft("QLinearGlobalAveragePool", {}, {codes, step, zero(128), step, zero(128)}),
       around("GlobalAveragePool")},
      {microsoft("QLinearAdd",
                 {},
                 {codes, step, zero(128), codes, number(0.01F), zero(3), number(0.05F), zero(90)}),
       {"DequantizeLinear", "DequantizeLinear", "Add", "QuantizeLinear"}},
      {microsoft("QLinearConcat",
                 {{"axis", 1}},
                 {step, zero(128), codes, step, zero(120), codes, number(0.01F), zero(3)}),
       {"DequantizeLinear", "DequantizeLinear", "Concat", "QuantizeLinear"}},
  };
}

/// The case as a network of one node, as a file.
struct OneNode {
  graph::Graph graph;
  std::map<std::string, Tensor> feeds;
  std::vector<Tensor> inputs;
};

OneNode one_node(const OpCase& op_case, DataType made) {
  OneNode result;
  result.graph.opset = op_case.opset;
  graph::Node node = testing::PreparedCase(op_case).node;
  for (std::size_t i = 0; i < op_case.inputs.size(); ++i) {
    const testing::CaseInput& input = op_case.inputs[i];
    const std::string name = "x" + std::to_string(i);
    if (input.constant) {
      node.inputs[i] = result.graph.add_constant(name, input.tensor);
      continue;
    }
    const auto shape = graph::fixed_shape(input.tensor.shape());
    node.inputs[i] = result.graph.add_input(name, input.tensor.type(), shape);
    result.feeds.emplace(name, input.tensor);
    result.inputs.push_back(input.tensor);
  }
  node.outputs[0] = result.graph.add_value({"y", made, std::nullopt, std::nullopt});
  result.graph.mark_output(node.outputs[0]);
  result.graph.add_node(std::move(node));
  return result;
}

/// Steps of codes for results that are codes, relative distance for floats.
void expect_to_mean_the_same(const Lowered& lowered, DataType made, double bound) {
  const OpCase& op_case = lowered.op_case;
  const OneNode whole = one_node(op_case, made);
  const std::string file = onnx_io::export_onnx_bytes(whole.graph);
  graph::Graph parts = onnx_io::import_onnx_bytes(file);
  infer_and_fold(parts);
  std::vector<std::string> types;
  for (const graph::Node& node : parts.nodes()) types.push_back(node.op_type);
  EXPECT_EQ(types, lowered.types) << op_case.op_type;
  std::vector<at::Tensor> inputs;
  for (const Tensor& tensor : whole.inputs) inputs.push_back(to_aten(tensor));
  const at::NoGradGuard no_grad;
  const Tensor ours = from_aten(run_sub_graph(parts, inputs).at(0)).converted_to(DataType::Float32);
  OMPQ_JUDGE_OR_SKIP();
  const Tensor theirs =
      testing::run_bytes_in_onnxruntime(file, whole.feeds, {.optimization = "disabled"})
          .at(0)
          .converted_to(DataType::Float32);
  const auto gap = testing::distance(ours, theirs);
  EXPECT_LE(gap.largest, bound) << op_case.op_type << ": " << gap.where;
}

TEST(LowerOperators, KeepsWhatFusedOperatorsMean) {
  for (const Lowered& lowered : fused_operators_of_the_runtime()) {
    expect_to_mean_the_same(lowered, DataType::Float32, 1e-5);
  }
}

/// The runtime rounds what it computed in integers, we what we computed in floats: the nearest code
/// may be the next one. Distances are relative to the largest code, which is at least 100.
TEST(LowerOperators, KeepsWhatOperatorsOverCodesMeanToOneStep) {
  for (const Lowered& lowered : operators_over_codes()) {
    expect_to_mean_the_same(lowered, DataType::UInt8, 1.0 / 100);
  }
}

TEST(LowerOperators, KeepsTheNameOfTheNode) {
  OneNode whole = one_node(fused_operators_of_the_runtime().front().op_case, DataType::Float32);
  const graph::Graph parts = onnx_io::import_onnx_bytes(onnx_io::export_onnx_bytes(whole.graph));
  EXPECT_EQ(parts.nodes().at(0).name, "tested");
  EXPECT_EQ(parts.nodes().at(0).op_type, "Conv");
}

}  // namespace
}  // namespace ompq::ops
