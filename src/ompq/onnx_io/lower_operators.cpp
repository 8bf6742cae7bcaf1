#include "ompq/onnx_io/lower_operators.h"

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "ompq/onnx_io/lower_quantized.h"
#include "ompq/onnx_io/lower_sequences.h"
#include "ompq/onnx_io/node_surgery.h"

namespace ompq::onnx_io {
namespace {

using graph::Attribute;
using graph::Graph;
using graph::kNoValue;
using graph::Node;
using graph::NodeId;
using graph::ValueId;

constexpr std::string_view kMicrosoft = "com.microsoft";

/// A fused activation: its operator and parameters.
struct Activation {
  std::string op_type;
  std::map<std::string, Attribute> attributes;
  std::vector<float> bounds;  ///< of a Clip
};

std::optional<Activation> activation_of(const Node& node, const std::vector<float>& numbers) {
  const std::string name = node.string_attribute("activation", "");
  const auto number = [&](std::size_t i) { return i < numbers.size() ? numbers[i] : 0.0F; };
  if (name == "Relu" || name == "Tanh" || name == "Sigmoid") return Activation{name, {}, {}};
  if (name == "LeakyRelu") return Activation{name, {{"alpha", number(0)}}, {}};
  if (name == "HardSigmoid") {
    return Activation{name, {{"alpha", number(0)}, {"beta", number(1)}}, {}};
  }
  if (name == "Clip") return Activation{name, {}, {number(0), number(1)}};
  return std::nullopt;
}

std::vector<float> floats_of(const Node& node, const std::string& name) {
  const auto found = node.attributes.find(name);
  if (found == node.attributes.end()) return {};
  const auto* numbers = std::get_if<std::vector<float>>(&found->second);
  return numbers != nullptr ? *numbers : std::vector<float>{};
}

/// Appends the activation after `value`, as the last node of the surgery.
void finish_activation(Graph& graph,
                       NodeSurgery& surgery,
                       const Activation& activation,
                       ValueId value) {
  std::vector<ValueId> inputs{value};
  std::map<std::string, Attribute> attributes = activation.attributes;
  if (!activation.bounds.empty() && graph.opset >= 11) {
    inputs.push_back(surgery.add_constant("min", Tensor::scalar(activation.bounds[0])));
    inputs.push_back(surgery.add_constant("max", Tensor::scalar(activation.bounds[1])));
  } else if (!activation.bounds.empty()) {
    attributes = {{"min", activation.bounds[0]}, {"max", activation.bounds[1]}};
  }
  surgery.finish("activation", activation.op_type, std::move(inputs), std::move(attributes));
}

/// `operands` is the number of operands of the product; a further operand is added to its result.
void lower_product(Graph& graph,
                   NodeId id,
                   const std::string& op_type,
                   std::size_t operands,
                   const std::vector<float>& numbers) {
  const auto activation = activation_of(graph.node(id), numbers);
  if (!activation) return;
  NodeSurgery surgery(graph, id);
  const ValueId residual = surgery.node().input(operands);
  Node& node = surgery.mutable_node();
  node.op_type = op_type;
  node.domain.clear();
  if (node.inputs.size() > operands) node.inputs.resize(operands);
  while (node.inputs.back() == kNoValue) node.inputs.pop_back();
  std::erase_if(node.attributes,
                [](const auto& attribute) { return attribute.first.starts_with("activation"); });
  ValueId value = surgery.detach_output();
  if (residual != kNoValue) value = surgery.add("sum", "Add", {value, residual});
  finish_activation(graph, surgery, *activation, value);
}

void lower_fused_conv(Graph& graph, NodeId id) {
  lower_product(graph, id, "Conv", 3, floats_of(graph.node(id), "activation_params"));
}

void lower_fused_gemm(Graph& graph, NodeId id) {
  const Node& node = graph.node(id);
  lower_product(graph,
                id,
                "Gemm",
                3,
                {node.float_attribute("activation_alpha", 0.0F),
                 node.float_attribute("activation_beta", 0.0F)});
}

/// If both operands are activations, the operator is kept.
void lower_fused_mat_mul(Graph& graph, NodeId id) {
  const Node old = graph.node(id);
  const auto flag = [&](const char* name) { return old.int_attribute(name, 0) != 0; };
  if (!graph.is_constant(old.input(1)) || flag("transA") || flag("transBatchA") ||
      flag("transBatchB")) {
    return;
  }
  NodeSurgery surgery(graph, id);
  Node& node = surgery.mutable_node();
  node.op_type = "MatMul";
  node.domain.clear();
  node.attributes.clear();
  if (flag("transB")) {
    const std::int64_t rank = graph.value(old.input(1)).constant->rank();
    std::vector<std::int64_t> order;
    for (std::int64_t axis = 0; axis < rank; ++axis) order.push_back(axis);
    if (rank > 1) std::swap(order[order.size() - 2], order.back());
    const ValueId turned = surgery.add("weight", "Transpose", {old.input(1)}, {{"perm", order}});
    surgery.mutable_node().inputs[1] = turned;
  }
  const float alpha = old.float_attribute("alpha", 1.0F);
  if (alpha == 1.0F) return;
  const ValueId product = surgery.detach_output();
  surgery.finish("scaled", "Mul", {product, surgery.add_constant("alpha", Tensor::scalar(alpha))});
}

/// BiasGelu, and FastGelu with a bias.
void lower_biased_gelu(Graph& graph, NodeId id) {
  NodeSurgery surgery(graph, id);
  if (surgery.node().input(1) == kNoValue) return;
  const ValueId sum =
      surgery.add("bias", "Add", {surgery.node().inputs[0], surgery.node().inputs[1]});
  Node& node = surgery.mutable_node();
  node.inputs = {sum};
  if (node.is("BiasGelu")) node.op_type = "Gelu";
}

/// `beta`: the norm has a shift in addition to its scale.
void lower_skip_norm(Graph& graph, NodeId id, const std::string& norm, bool beta) {
  const Node old = graph.node(id);
  const auto output = [&](std::size_t i) {
    return i < old.outputs.size() ? old.outputs[i] : kNoValue;
  };
  if (output(1) != kNoValue || output(2) != kNoValue || old.inputs.size() < 3) return;
  NodeSurgery surgery(graph, id);
  ValueId sum = surgery.add("sum", "Add", {old.inputs[0], old.inputs[1]});
  const ValueId bias = old.input(beta ? 4 : 3);
  if (bias != kNoValue) sum = surgery.add("bias", "Add", {sum, bias});
  if (output(3) != kNoValue) {
    graph.mutable_node(graph.producer(sum)).outputs = {output(3)};
    sum = output(3);
  }
  Node& node = surgery.mutable_node();
  node.op_type = norm;
  node.domain.clear();
  node.inputs = {sum, old.inputs[2]};
  if (beta && old.input(3) != kNoValue) node.inputs.push_back(old.input(3));
  node.outputs.resize(1);
  node.attributes = {{"axis", std::int64_t{-1}},
                     {"epsilon", old.float_attribute("epsilon", 1e-12F)}};
}

void lower_skip_layer_norm(Graph& graph, NodeId id) {
  lower_skip_norm(graph, id, "LayerNormalization", true);
}

void lower_skip_simplified_norm(Graph& graph, NodeId id) {
  lower_skip_norm(graph, id, "SimplifiedLayerNormalization", false);
}

using Lowering = void (*)(Graph&, NodeId);
const std::map<std::string_view, Lowering>& lowerings() {
  static const std::map<std::string_view, Lowering> kRows{
      {"BiasGelu", lower_biased_gelu},
      {"FastGelu", lower_biased_gelu},
      {"FusedConv", lower_fused_conv},
      {"FusedGemm", lower_fused_gemm},
      {"FusedMatMul", lower_fused_mat_mul},
      {"SkipLayerNormalization", lower_skip_layer_norm},
      {"SkipSimplifiedLayerNormalization", lower_skip_simplified_norm}};
  return kRows;
}

}  // namespace

void lower_operators(Graph& graph) {
  const auto count = static_cast<NodeId>(graph.nodes().size());
  bool changed = false;
  for (NodeId id = 0; id < count; ++id) {
    const Node& node = graph.node(id);
    if (node.outputs.empty() || node.outputs.front() == kNoValue || node.inputs.empty()) continue;
    const auto found = lowerings().find(node.op_type);
    if (node.domain == kMicrosoft && found != lowerings().end()) {
      found->second(graph, id);
      changed = true;
    } else if (is_quantized_operator(node)) {
      lower_quantized(graph, id);
      changed = true;
    }
  }
  changed = lower_sequences(graph) || changed;
  if (changed) graph.sort();
}

}  // namespace ompq::onnx_io
