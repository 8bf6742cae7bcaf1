#include "ompq/graph/fuse_layers.h"

#include <cstddef>
#include <optional>
#include <utility>
#include <vector>

#include "ompq/graph/operator_traits.h"
#include "ompq/graph/uses.h"

namespace ompq::graph {
namespace {

/// The fusion of one operator: the nodes after it, and their fused form.
struct Fusion {
  NodeId root = kNoNode;
  std::vector<NodeId> absorbed;  ///< in topological order; the last one produces the output
  ValueId output = kNoValue;
  ValueId bias = kNoValue;
  ValueId residual = kNoValue;
  FusedActivation activation;
};

bool is_layer(const Graph& graph, const Node& node) {
  if (!node.domain.empty() || node.outputs.size() != 1) return false;
  if (!graph.is_constant(node.input(1)) || graph.is_constant(node.input(0))) return false;
  if (node.is("MatMul")) return graph.value(node.inputs[1]).constant->rank() == 2;
  return node.is("Conv") || node.is("ConvTranspose") || node.is("Gemm");
}

ValueId other_operand(const Node& node, ValueId one) {
  return node.inputs[0] == one ? node.inputs[1] : node.inputs[0];
}

class LayerFuser {
 public:
  LayerFuser(Graph& graph, std::span<const ValueId> keep)
      : graph_(graph), uses_(graph), taken_(graph.nodes().size(), false) {
    for (const ValueId id : keep) uses_.keep(id);
  }

  int run() {
    std::vector<Fusion> fusions;
    // In reverse order, so that an Add is fused into the later of its two operators.
    for (std::size_t i = graph_.nodes().size(); i-- > 0;) {
      const auto id = static_cast<NodeId>(i);
      if (is_layer(graph_, graph_.node(id))) fusions.push_back(plan(id));
    }
    std::vector<NodeId> gone;
    for (const Fusion& fusion : fusions) apply(fusion, gone);
    graph_.erase_nodes(gone);
    return static_cast<int>(fusions.size());
  }

 private:
  Fusion plan(NodeId root) {
    Fusion fusion;
    fusion.root = root;
    fusion.output = graph_.node(root).outputs[0];
    fusion.bias = graph_.node(root).is("MatMul") ? kNoValue : graph_.node(root).input(2);
    if (sums_codes(graph_.node(root))) {
      if (quantizer_follows(fusion.output)) take_activation(fusion);
      return fusion;
    }
    if (graph_.node(root).is("MatMul")) take_bias(fusion);
    take_residual(fusion);
    if (!take_activation(fusion)) take_gate(fusion);
    return fusion;
  }

  /// A product with known levels, which integer kernels compute without the nodes after it.
  [[nodiscard]] bool sums_codes(const Node& root) const {
    return !root.is("Conv") && graph_.value(root.inputs[1]).levels != nullptr &&
           is_quantizer(uses_.producer(root.inputs[0]));
  }

  [[nodiscard]] bool is_quantizer(NodeId id) const {
    return id != kNoNode && graph_.node(id).is("FakeQuantize");
  }

  /// True if the only reader of `value` clips it before a quantizer.
  [[nodiscard]] bool quantizer_follows(ValueId value) const {
    const NodeId reader = free_reader(value);
    if (reader == kNoNode || !bounds_of(graph_, graph_.node(reader))) return false;
    return is_quantizer(uses_.sole_reader(graph_.node(reader).outputs.front()));
  }

  void absorb(Fusion& fusion, NodeId id) {
    taken_[static_cast<std::size_t>(id)] = true;
    fusion.absorbed.push_back(id);
    fusion.output = graph_.node(id).outputs[0];
  }

  /// The only reader of the fused output so far, unless it is already fused.
  [[nodiscard]] NodeId free_reader(ValueId id) const {
    const NodeId reader = uses_.sole_reader(id);
    return reader == kNoNode || taken_[static_cast<std::size_t>(reader)] ? kNoNode : reader;
  }

  [[nodiscard]] NodeId free_add(ValueId id) const {
    const NodeId reader = free_reader(id);
    if (reader == kNoNode) return kNoNode;
    const Node& add = graph_.node(reader);
    const bool plain = add.is("Add") && add.domain.empty() && add.inputs[0] != add.inputs[1];
    return plain ? reader : kNoNode;
  }

  void take_bias(Fusion& fusion) {
    const NodeId add = free_add(fusion.output);
    if (add == kNoNode) return;
    const ValueId other = other_operand(graph_.node(add), fusion.output);
    if (!graph_.is_constant(other)) return;
    const Tensor& weight = *graph_.value(graph_.node(fusion.root).inputs[1]).constant;
    const Tensor& bias = *graph_.value(other).constant;
    if (bias.type() != weight.type() || bias.rank() != 1 || bias.shape()[0] != weight.shape()[1]) {
      return;
    }
    fusion.bias = other;
    absorb(fusion, add);
  }

  void take_residual(Fusion& fusion) {
    const NodeId add = free_add(fusion.output);
    if (add == kNoNode) return;
    const ValueId other = other_operand(graph_.node(add), fusion.output);
    const auto& mine = graph_.value(fusion.output).shape;
    const auto& theirs = graph_.value(other).shape;
    if (graph_.is_constant(other) || !mine || !theirs || *mine != *theirs) return;
    fusion.residual = other;
    absorb(fusion, add);
  }

  bool take_activation(Fusion& fusion) {
    const NodeId reader = free_reader(fusion.output);
    if (reader == kNoNode || graph_.node(reader).input(0) != fusion.output) return false;
    std::optional<FusedActivation> found = fused_form(graph_, graph_.node(reader));
    if (!found) return false;
    fusion.activation = std::move(*found);
    absorb(fusion, reader);
    return true;
  }

  /// x -> gate -> Mul with x.
  void take_gate(Fusion& fusion) {
    const ValueId x = fusion.output;
    const std::vector<NodeId>& readers = uses_.readers(x);
    if (readers.size() != 2 || uses_.is_visible(x)) return;
    // The gate is before the Mul that reads it.
    const NodeId gate = readers[0];
    const NodeId mul = readers[1];
    const Node& gate_node = graph_.node(gate);
    const Node& mul_node = graph_.node(mul);
    const OperatorTraits& traits = traits_of(gate_node);
    if (!mul_node.is("Mul") || traits.gate == nullptr || gate_node.outputs.size() != 1) return;
    if (other_operand(mul_node, x) != gate_node.outputs[0]) return;
    if (uses_.sole_reader(gate_node.outputs[0]) != mul) return;
    std::optional<FusedActivation> found = traits.gate(gate_node);
    if (!found) return;
    fusion.activation = std::move(*found);
    absorb(fusion, gate);
    absorb(fusion, mul);
  }

  /// The fused node replaces the last absorbed node, where all its inputs exist.
  void apply(const Fusion& fusion, std::vector<NodeId>& gone) {
    Node fused = graph_.node(fusion.root);
    fused.op_type = "Fused" + fused.op_type;
    fused.domain = "ompq";
    fused.outputs = {fusion.output};
    fused.inputs.resize(2);
    fused.inputs.push_back(fusion.bias);
    if (fusion.residual != kNoValue) fused.inputs.push_back(fusion.residual);
    set_activation(fused, fusion.activation);
    if (fusion.absorbed.empty()) {
      graph_.mutable_node(fusion.root) = std::move(fused);
      return;
    }
    gone.push_back(fusion.root);
    gone.insert(gone.end(), fusion.absorbed.begin(), fusion.absorbed.end() - 1);
    graph_.mutable_node(fusion.absorbed.back()) = std::move(fused);
  }

  Graph& graph_;
  Uses uses_;
  std::vector<bool> taken_;
};

}  // namespace

int fuse_layers(Graph& graph, std::span<const ValueId> keep) {
  return LayerFuser(graph, keep).run();
}

}  // namespace ompq::graph
