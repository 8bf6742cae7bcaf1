#include "ompq/graph/op_roles.h"

#include <algorithm>
#include <array>
#include <optional>

namespace ompq::graph {
namespace {

template <std::size_t N>
bool is_one_of(const Node& node, const std::array<std::string_view, N>& types) {
  return std::find(types.begin(), types.end(), node.op_type) != types.end();
}

bool is_onnx(const Node& node) { return node.domain.empty(); }

/// The operand of a two-operand node that is not `x`, if it is a constant.
const Tensor* constant_operand(const Graph& graph, const Node& node, ValueId x) {
  if (node.inputs.size() != 2 || node.inputs[0] == node.inputs[1]) return nullptr;
  if (node.inputs[0] != x && node.inputs[1] != x) return nullptr;
  const ValueId other = node.inputs[0] == x ? node.inputs[1] : node.inputs[0];
  return graph.is_constant(other) ? &*graph.value(other).constant : nullptr;
}

bool is_thin(const Tensor& tensor) {
  const auto& shape = tensor.shape();
  return std::count_if(shape.begin(), shape.end(), [](std::int64_t e) { return e != 1; }) <= 1;
}

/// Any function of each element of `x` alone, linear or not, as gates are made of.
bool is_elementwise(const Graph& graph, const Node& node, ValueId x) {
  static constexpr std::array<std::string_view, 9> kUnary{
      "Erf", "Exp", "Log", "Neg", "Abs", "Sqrt", "Reciprocal", "Sigmoid", "Tanh"};
  static constexpr std::array<std::string_view, 7> kBinary{
      "Add", "Sub", "Mul", "Div", "Pow", "Min", "Max"};
  if (!is_onnx(node) || node.outputs.size() != 1) return false;
  if (is_one_of(node, kUnary)) return node.input(0) == x;
  if (is_one_of(node, kBinary)) {
    const Tensor* constant = constant_operand(graph, node, x);
    return constant != nullptr && constant->elements() == 1;
  }
  return is_activation(graph, node, x) ||
         (is_transparent(node, x) && !node.is("Pad") && !node.is("Transpose"));
}

/// A chain of element-wise operators that nobody else reads, up to the first other node.
struct Chain {
  std::vector<NodeId> nodes;
  ValueId end = kNoValue;
  NodeId reader = kNoNode;  ///< kNoNode if the chain ends otherwise
};

Chain follow_chain(const Graph& graph, const Uses& uses, ValueId x, NodeId first) {
  // tanh, its argument and its affine parts: no gate of the field is longer.
  constexpr std::size_t kLongestGate = 12;
  Chain chain{{}, x, first};
  while (chain.reader != kNoNode && chain.nodes.size() < kLongestGate) {
    const Node& node = graph.node(chain.reader);
    if (!is_elementwise(graph, node, chain.end)) break;
    chain.nodes.push_back(chain.reader);
    chain.end = node.outputs[0];
    chain.reader = uses.sole_reader(chain.end);
  }
  return chain;
}

}  // namespace

bool is_transparent(const Node& node, ValueId x) {
  static constexpr std::array<std::string_view, 11> kTypes{"Identity",
                                                           "Dropout",
                                                           "Cast",
                                                           "Pad",
                                                           "Reshape",
                                                           "Flatten",
                                                           "Squeeze",
                                                           "Unsqueeze",
                                                           "Transpose",
                                                           "QuantizeLinear",
                                                           "DequantizeLinear"};
  if (node.input(0) != x || node.outputs.empty()) return false;
  return is_onnx(node) ? is_one_of(node, kTypes) : node.is("FakeQuantize");
}

bool is_norm(const Node& node, ValueId x) {
  static constexpr std::array<std::string_view, 3> kTypes{
      "BatchNormalization", "InstanceNormalization", "GroupNormalization"};
  return is_onnx(node) && node.input(0) == x && is_one_of(node, kTypes);
}

bool is_affine(const Graph& graph, const Node& node, ValueId x) {
  if (!is_onnx(node)) return false;
  const bool commutes = node.is("Add") || node.is("Mul");
  const bool ordered = (node.is("Sub") || node.is("Div")) && node.input(0) == x;
  if (!commutes && !ordered) return false;
  const Tensor* constant = constant_operand(graph, node, x);
  return constant != nullptr && is_thin(*constant) &&
         graph.value(node.outputs[0]).shape == graph.value(x).shape;
}

bool is_activation(const Graph& graph, const Node& node, ValueId x) {
  static constexpr std::array<std::string_view, 17> kTypes{"Relu",
                                                           "LeakyRelu",
                                                           "PRelu",
                                                           "Clip",
                                                           "Sigmoid",
                                                           "Tanh",
                                                           "HardSigmoid",
                                                           "HardSwish",
                                                           "Elu",
                                                           "Selu",
                                                           "Celu",
                                                           "Softplus",
                                                           "Softsign",
                                                           "ThresholdedRelu",
                                                           "Gelu",
                                                           "Mish",
                                                           "Swish"};
  static constexpr std::array<std::string_view, 3> kMicrosoftTypes{"Gelu", "FastGelu", "QuickGelu"};
  if (node.domain == "com.microsoft") {
    return is_one_of(node, kMicrosoftTypes) && node.inputs.size() == 1 && node.input(0) == x;
  }
  if (!is_onnx(node)) return false;
  if (!is_one_of(node, kTypes)) return is_bound(graph, node, x);
  // Slopes and bounds must be settled; a second activation would be another layer's business.
  return node.input(0) == x &&
         std::all_of(node.inputs.begin() + 1, node.inputs.end(), [&](ValueId id) {
           return id == kNoValue || graph.is_constant(id);
         });
}

bool is_bound(const Graph& graph, const Node& node, ValueId x) {
  if (!is_onnx(node)) return false;
  if (node.is("Clip")) return node.input(0) == x;
  if (!node.is("Min") && !node.is("Max")) return false;
  const Tensor* constant = constant_operand(graph, node, x);
  return constant != nullptr && constant->elements() == 1;
}

bool is_residual_add(const Graph& graph, const Node& node) {
  if (!is_onnx(node) || node.inputs.size() != 2 || (!node.is("Add") && !node.is("Sum"))) {
    return false;
  }
  const ValueId a = node.inputs[0];
  const ValueId b = node.inputs[1];
  if (a == b || graph.is_constant(a) || graph.is_constant(b)) return false;
  const auto& shape = graph.value(a).shape;
  return shape && shape == graph.value(b).shape;
}

std::vector<NodeId> gated_activation(const Graph& graph, const Uses& uses, ValueId x) {
  const std::vector<NodeId>& readers = uses.readers(x);
  if (readers.size() != 2 || uses.is_visible(x)) return {};
  const Chain left = follow_chain(graph, uses, x, readers[0]);
  const Chain right = follow_chain(graph, uses, x, readers[1]);
  if (left.reader == kNoNode || left.reader != right.reader) return {};
  const Node& product = graph.node(left.reader);
  if (!is_onnx(product) || !product.is("Mul")) return {};
  std::vector<NodeId> nodes = left.nodes;
  nodes.insert(nodes.end(), right.nodes.begin(), right.nodes.end());
  nodes.push_back(left.reader);
  const ValueId output = product.outputs[0];
  const NodeId reader = uses.sole_reader(output);
  if (reader != kNoNode) {
    const Node& node = graph.node(reader);
    const Tensor* factor = constant_operand(graph, node, output);
    const bool scales = node.is("Mul") || (node.is("Div") && node.input(0) == output);
    if (scales && factor != nullptr && factor->elements() == 1) nodes.push_back(reader);
  }
  std::sort(nodes.begin(), nodes.end());
  return nodes;
}

}  // namespace ompq::graph
