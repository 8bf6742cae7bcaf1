#include "ompq/onnx_io/lower_quantized.h"

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "ompq/onnx_io/node_surgery.h"

namespace ompq::onnx_io {
namespace {

using graph::Graph;
using graph::kNoValue;
using graph::Node;
using graph::NodeId;
using graph::ValueId;

/// Codes, their scale and their zero point (kNoValue: 0), as operands.
struct Coded {
  ValueId codes = kNoValue;
  ValueId scale = kNoValue;
  ValueId zero_point = kNoValue;
};

Coded coded_at(const Node& node, std::size_t place) {
  return {node.input(place), node.input(place + 1), node.input(place + 2)};
}

const Tensor* constant_of(const Graph& graph, ValueId id) {
  return graph.is_constant(id) ? &*graph.value(id).constant : nullptr;
}

/// Dequantizes constant codes with one scale, or one for each slice of `axis`; nullopt if the
/// scales do not fit.
std::optional<Tensor> decoded(const Graph& graph, const Coded& coded, std::int64_t axis) {
  const Tensor* codes = constant_of(graph, coded.codes);
  const Tensor* scale = constant_of(graph, coded.scale);
  const Tensor* zero = constant_of(graph, coded.zero_point);
  if (codes == nullptr || scale == nullptr) return std::nullopt;
  if (coded.zero_point != kNoValue && zero == nullptr) return std::nullopt;
  const std::vector<float> scales = scale->to_floats();
  const std::vector<float> zeros = zero != nullptr ? zero->to_floats() : std::vector<float>{0};
  const auto& shape = codes->shape();
  const auto at = static_cast<std::size_t>(axis < 0 ? axis + codes->rank() : axis);
  const auto fits = [&](const std::vector<float>& numbers) {
    return numbers.size() == 1 ||
           (at < shape.size() && static_cast<std::int64_t>(numbers.size()) == shape[at]);
  };
  if (!fits(scales) || !fits(zeros)) return std::nullopt;
  std::int64_t inner = 1;
  for (std::size_t d = at + 1; d < shape.size(); ++d) inner *= shape[d];
  std::vector<float> values = codes->to_floats();
  for (std::size_t i = 0; i < values.size(); ++i) {
    const std::size_t slice = at < shape.size() ? i / static_cast<std::size_t>(inner) %
                                                      static_cast<std::size_t>(shape[at])
                                                : 0;
    values[i] =
        (values[i] - zeros[zeros.size() == 1 ? 0 : slice]) * scales[scales.size() == 1 ? 0 : slice];
  }
  return Tensor::from(shape, values);
}

/// The dequantized operand: a constant, or the output of a new DequantizeLinear.
ValueId float_operand(const Graph& graph,
                      NodeSurgery& surgery,
                      const Coded& coded,
                      const std::string& part,
                      std::int64_t axis = 0) {
  if (auto constant = decoded(graph, coded, axis)) {
    return surgery.add_constant(part, std::move(*constant));
  }
  std::vector<ValueId> inputs{coded.codes, coded.scale};
  if (coded.zero_point != kNoValue) inputs.push_back(coded.zero_point);
  return surgery.add(part, "DequantizeLinear", std::move(inputs));
}

/// Turns the node into the float operator `op_type` and quantizes its result.
void finish(NodeSurgery& surgery,
            const std::string& op_type,
            std::vector<ValueId> inputs,
            ValueId scale,
            ValueId zero_point) {
  Node& node = surgery.mutable_node();
  node.op_type = op_type;
  node.domain.clear();
  node.inputs = std::move(inputs);
  if (scale == kNoValue) return;  // the result stays float
  const ValueId result = surgery.detach_output();
  std::vector<ValueId> quantized{result, scale};
  if (zero_point != kNoValue) quantized.push_back(zero_point);
  surgery.finish("codes", "QuantizeLinear", std::move(quantized));
}

/// The scale of a bias is the product of input and weight scale; it has no zero point.
std::optional<Tensor> decoded_bias(const Graph& graph,
                                   ValueId bias,
                                   ValueId input_scale,
                                   ValueId weight_scale) {
  const Tensor* codes = constant_of(graph, bias);
  const Tensor* input = constant_of(graph, input_scale);
  const Tensor* weight = constant_of(graph, weight_scale);
  if (codes == nullptr || input == nullptr || weight == nullptr) return std::nullopt;
  std::vector<float> values = codes->to_floats();
  const std::vector<float> scales = weight->to_floats();
  if (input->elements() != 1 || (scales.size() != 1 && scales.size() != values.size())) {
    return std::nullopt;
  }
  const float shared = input->to_floats().front();
  for (std::size_t i = 0; i < values.size(); ++i) {
    values[i] *= shared * scales[scales.size() == 1 ? 0 : i];
  }
  return Tensor::from(codes->shape(), values);
}

void lower_conv(Graph& graph, NodeId id) {
  const Node old = graph.node(id);
  const Coded weight = coded_at(old, 3);
  auto values = decoded(graph, weight, 0);
  const ValueId bias = old.input(8);
  auto biases = decoded_bias(graph, bias, old.input(1), weight.scale);
  if (!values || (bias != kNoValue && !biases)) return;
  NodeSurgery surgery(graph, id);
  std::vector<ValueId> inputs{float_operand(graph, surgery, coded_at(old, 0), "input"),
                              surgery.add_constant("weight", std::move(*values))};
  if (biases) inputs.push_back(surgery.add_constant("bias", std::move(*biases)));
  finish(surgery, "Conv", std::move(inputs), old.input(6), old.input(7));
}

void lower_mat_mul(Graph& graph, NodeId id) {
  const Node old = graph.node(id);
  NodeSurgery surgery(graph, id);
  const ValueId left = float_operand(graph, surgery, coded_at(old, 0), "left", -2);
  const ValueId right = float_operand(graph, surgery, coded_at(old, 3), "weight", -1);
  finish(surgery, "MatMul", {left, right}, old.input(6), old.input(7));
}

void lower_gemm(Graph& graph, NodeId id) {
  const Node old = graph.node(id);
  const std::int64_t channels = old.int_attribute("transB", 0) != 0 ? 0 : 1;
  const ValueId bias = old.input(6);
  auto biases = decoded_bias(graph, bias, old.input(1), old.input(4));
  if (bias != kNoValue && !biases) return;
  NodeSurgery surgery(graph, id);
  std::vector<ValueId> inputs{float_operand(graph, surgery, coded_at(old, 0), "input"),
                              float_operand(graph, surgery, coded_at(old, 3), "weight", channels)};
  if (biases) inputs.push_back(surgery.add_constant("bias", std::move(*biases)));
  finish(surgery, "Gemm", std::move(inputs), old.input(7), old.input(8));
}

void lower_concat(Graph& graph, NodeId id) {
  const Node old = graph.node(id);
  NodeSurgery surgery(graph, id);
  std::vector<ValueId> inputs;
  for (std::size_t place = 2; place + 2 < old.inputs.size(); place += 3) {
    inputs.push_back(float_operand(graph, surgery, coded_at(old, place), "part"));
  }
  finish(surgery, "Concat", std::move(inputs), old.input(0), old.input(1));
}

/// Operators whose operands are all (codes, scale, zero point), followed by scale and zero point of
/// the result.
void lower_plain(Graph& graph, NodeId id, const std::string& op_type, std::size_t operands) {
  const Node old = graph.node(id);
  NodeSurgery surgery(graph, id);
  std::vector<ValueId> inputs;
  for (std::size_t i = 0; i < operands; ++i) {
    inputs.push_back(float_operand(graph, surgery, coded_at(old, 3 * i), "input"));
  }
  finish(surgery, op_type, std::move(inputs), old.input(3 * operands), old.input(3 * operands + 1));
}

struct PlainRow {
  std::string_view name;
  std::string_view op_type;
  std::size_t operands;
};
constexpr PlainRow kPlain[] = {{"QLinearAdd", "Add", 2},
                               {"QLinearMul", "Mul", 2},
                               {"QLinearSigmoid", "Sigmoid", 1},
                               {"QLinearLeakyRelu", "LeakyRelu", 1},
                               {"QLinearSoftmax", "Softmax", 1},
                               {"QLinearAveragePool", "AveragePool", 1},
                               {"QLinearGlobalAveragePool", "GlobalAveragePool", 1}};

const PlainRow* plain_row(const Node& node) {
  const auto* found = std::find_if(
      std::begin(kPlain), std::end(kPlain), [&](const PlainRow& row) { return node.is(row.name); });
  // Channels-last is not supported.
  const bool fits = found != std::end(kPlain) && node.int_attribute("channels_last", 0) == 0;
  return fits ? found : nullptr;
}

}  // namespace

bool is_quantized_operator(const Node& node) {
  if (node.domain.empty()) return node.is("QLinearConv") || node.is("QLinearMatMul");
  if (node.domain != "com.microsoft") return false;
  return node.is("QGemm") || node.is("QLinearConcat") || plain_row(node) != nullptr;
}

void lower_quantized(Graph& graph, NodeId id) {
  const Node& node = graph.node(id);
  if (node.is("QLinearConv")) return lower_conv(graph, id);
  if (node.is("QLinearMatMul")) return lower_mat_mul(graph, id);
  if (node.is("QGemm")) return lower_gemm(graph, id);
  if (node.is("QLinearConcat")) return lower_concat(graph, id);
  const PlainRow* row = plain_row(node);
  graph.mutable_node(id).attributes.erase("channels_last");
  if (node.is("QLinearSoftmax")) graph.mutable_node(id).attributes.erase("opset");
  lower_plain(graph, id, std::string(row->op_type), row->operands);
}

}  // namespace ompq::onnx_io
