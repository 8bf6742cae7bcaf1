#include "ompq/graph/op_roles.h"

#include <algorithm>
#include <cstddef>

#include "ompq/graph/operator_traits.h"

namespace ompq::graph {
namespace {

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

bool is_number(const Tensor* constant) { return constant != nullptr && constant->elements() == 1; }

/// An element-wise function of only `x`, linear or not, as used in gates.
bool is_elementwise(const Graph& graph, const Node& node, ValueId x) {
  if (node.outputs.size() != 1) return false;
  const OperatorTraits& traits = traits_of(node);
  switch (traits.role) {
    case Role::Elementwise:
    case Role::Affine:
      return node.inputs.size() == 1 ? node.inputs[0] == x
                                     : is_number(constant_operand(graph, node, x));
    case Role::Activation:
    case Role::Bound:
      return is_activation(graph, node, x);
    case Role::Transparent:
      return is_transparent(node, x) && !traits.moves_elements;
    case Role::Norm:
    case Role::Other:
      return false;
  }
  return false;
}

/// A chain of element-wise operators with single readers, up to the first other node.
struct Chain {
  std::vector<NodeId> nodes;
  ValueId end = kNoValue;
  NodeId reader = kNoNode;  ///< kNoNode if the chain ends otherwise
};

Chain follow_chain(const Graph& graph, const Uses& uses, ValueId x, NodeId first) {
  // tanh, its argument and its affine parts: no common gate is longer.
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
  return traits_of(node).role == Role::Transparent && node.input(0) == x && !node.outputs.empty();
}

bool is_norm(const Node& node, ValueId x) {
  return traits_of(node).role == Role::Norm && node.input(0) == x;
}

bool is_affine(const Graph& graph, const Node& node, ValueId x) {
  const OperatorTraits& traits = traits_of(node);
  if (traits.role != Role::Affine || (!traits.commutes && node.input(0) != x)) return false;
  const Tensor* constant = constant_operand(graph, node, x);
  return constant != nullptr && is_thin(*constant) &&
         graph.value(node.outputs[0]).shape == graph.value(x).shape;
}

bool is_activation(const Graph& graph, const Node& node, ValueId x) {
  const OperatorTraits& traits = traits_of(node);
  if (traits.role != Role::Activation && traits.role != Role::Bound) return false;
  if (traits.commutes) return is_bound(graph, node, x);
  // Slopes and bounds must be constant; a second activation does not belong to the layer.
  return node.input(0) == x &&
         std::all_of(node.inputs.begin() + 1, node.inputs.end(), [&](ValueId id) {
           return id == kNoValue || (traits.constant_operands && graph.is_constant(id));
         });
}

bool is_bound(const Graph& graph, const Node& node, ValueId x) {
  const OperatorTraits& traits = traits_of(node);
  if (traits.role != Role::Bound) return false;
  return traits.commutes ? is_number(constant_operand(graph, node, x)) : node.input(0) == x;
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
