#include "ompq/training/network_parts.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include <fmt/format.h>

#include "ompq/core/error.h"
#include "ompq/graph/passes.h"
#include "ompq/ops/aten_bridge.h"
#include "ompq/ops/infer.h"
#include "ompq/ops/operator.h"
#include "ompq/training/product.h"

namespace ompq::training {
namespace {

using graph::Graph;
using graph::kNoNode;
using graph::kNoValue;
using graph::Node;
using graph::NodeId;
using graph::ValueId;

at::Tensor leaf(const Tensor& tensor) { return ops::to_aten(tensor).clone().requires_grad_(true); }

bool is_float_constant(const Graph& graph, ValueId id) {
  return id != kNoValue && graph.is_constant(id) &&
         graph.value(id).constant->type() == DataType::Float32;
}

bool is_constant_norm(const Graph& graph, const Node& node) {
  if (!node.is("BatchNormalization") || !node.domain.empty() || node.inputs.size() != 5)
    return false;
  for (std::size_t i = 1; i < 5; ++i) {
    if (!is_float_constant(graph, node.inputs[i])) return false;
  }
  return true;
}

Norm norm_of(const Graph& graph, const Node& node) {
  const auto constant = [&](std::size_t slot) { return *graph.value(node.inputs[slot]).constant; };
  return {.name = node.name,
          .scale = leaf(constant(1)),
          .shift = leaf(constant(2)),
          .mean = ops::to_aten(constant(3)).clone(),
          .variance = ops::to_aten(constant(4)).clone(),
          .epsilon = node.float_attribute("epsilon", 1e-5F)};
}

/// Learned inputs of a node that is not a layer, by its operator.
bool is_learned(const Graph& graph, const Node& node, std::size_t slot) {
  if (!node.domain.empty() || !is_float_constant(graph, node.inputs[slot])) return false;
  const std::int64_t elements = graph.value(node.inputs[slot]).constant->elements();
  for (const std::string_view type : {"Conv", "ConvTranspose", "Gemm", "MatMul", "PRelu"}) {
    if (node.is(type)) return slot >= 1;
  }
  for (const std::string_view type : {"BatchNormalization",
                                      "LayerNormalization",
                                      "InstanceNormalization",
                                      "GroupNormalization"}) {
    if (node.is(type)) return slot == 1 || slot == 2;
  }
  if (!node.is("Add") && !node.is("Mul")) return false;
  // Constants added to the network's input are preprocessing; scalars are not parameters.
  const ValueId other = node.inputs[slot == 0 ? 1 : 0];
  const auto& inputs = graph.inputs();
  return elements > 1 && std::find(inputs.begin(), inputs.end(), other) == inputs.end();
}

class Apart {
 public:
  Apart(const Graph& original, NormMode mode) : original_(original), mode_(mode) {}

  NetworkParts run() {
    Graph& folded = parts_.folded;
    folded = original_;
    graph::fold_batch_norms(folded);
    folded.sort();
    ops::infer_and_fold(folded);
    parts_.layers = graph::discover(folded).layers;
    for (const Node& node : folded.nodes()) {
      if (ops::find_operator(node.domain, node.op_type) != nullptr) continue;
      throw UnsupportedOp(
          "training",
          fmt::format("node '{}' is a {}, which is not supported", node.name, node.op_type));
    }
    take_layers();
    take_lone_norms();
    if (mode_ == NormMode::Trained) take_folded_norms();
    take_others();
    return std::move(parts_);
  }

 private:
  void add(ValueId id, Role role) {
    if (id == kNoValue || parts_.parameters.contains(id)) return;
    const graph::Value& value = parts_.folded.value(id);
    parts_.parameters.emplace(id, ParameterPart{value.name, role, leaf(*value.constant)});
  }

  void take_layers() {
    for (std::size_t l = 0; l < parts_.layers.size(); ++l) {
      const graph::Layer& layer = parts_.layers[l];
      parts_.layer_of_node.emplace(layer.node, l);
      if (is_product(parts_.folded, layer.node)) parts_.products.insert(layer.node);
      add(layer.weight, Role::Weight);
      add(layer.bias, Role::Bias);
      if (layer.bias != kNoValue) parts_.layer_of_bias.emplace(layer.bias, l);
    }
  }

  /// Norms that could not be folded, on images or vectors.
  void take_lone_norms() {
    for (std::size_t i = 0; i < parts_.folded.nodes().size(); ++i) {
      const Node& node = parts_.folded.nodes()[i];
      if (!is_constant_norm(parts_.folded, node)) continue;
      const std::size_t rank = parts_.folded.value(node.inputs[0]).shape->size();
      if (rank != 2 && rank != 4) continue;
      parts_.norms.push_back({.node = static_cast<NodeId>(i),
                              .norm = norm_of(parts_.folded, node),
                              .trained = mode_ == NormMode::Trained,
                              .stands_alone = true});
    }
  }

  void take_folded_norms() {
    for (const Node& node : original_.nodes()) {
      if (!is_constant_norm(original_, node)) continue;
      const NodeId before = original_.producer(node.inputs[0]);
      const ValueId output = parts_.folded.find_value(original_.value(node.outputs[0]).name);
      const NodeId now = output == kNoValue ? kNoNode : parts_.folded.producer(output);
      if (before == kNoNode || now == kNoNode || !parts_.products.contains(now)) continue;
      const Node& own = original_.node(before);
      const Node& with = parts_.folded.node(now);
      // A norm that was folded into its reader changed the operator's own weight.
      if (own.name != with.name || own.inputs[0] != with.inputs[0]) continue;
      unfold(now, own, node);
    }
  }

  void unfold(NodeId now, const Node& own, const Node& norm) {
    const graph::Layer& layer = parts_.layers[parts_.layer_of_node.at(now)];
    NormPart part{.node = now, .as_imported = norm, .norm = norm_of(original_, norm)};
    parts_.parameters.at(layer.weight).tensor = leaf(*original_.value(own.inputs[1]).constant);
    const ValueId bias = own.input(2);
    // A norm removes the effect of a bias, so the bias is merged into the running mean.
    if (bias != kNoValue) {
      const double share = own.is("Gemm") ? own.float_attribute("beta", 1.0F) : 1.0;
      const at::Tensor added = ops::to_aten(*original_.value(bias).constant).reshape({-1});
      part.norm.mean = part.norm.mean - share * added;
    }
    parts_.parameters.erase(layer.bias);
    parts_.layer_of_bias.erase(layer.bias);
    parts_.norms.push_back(std::move(part));
  }

  void take_others() {
    std::set<ValueId> of_norms;
    for (const NormPart& part : parts_.norms) {
      if (!part.stands_alone) continue;
      const auto& inputs = parts_.folded.node(part.node).inputs;
      of_norms.insert(inputs.begin() + 1, inputs.end());
    }
    for (const Node& node : parts_.folded.nodes()) {
      for (std::size_t slot = 0; slot < node.inputs.size(); ++slot) {
        const ValueId id = node.inputs[slot];
        if (id == kNoValue || !parts_.folded.is_constant(id)) continue;
        parts_.constants.emplace(id, ops::to_aten(*parts_.folded.value(id).constant));
        const bool layers_own = id == bias_of_norm(node, slot) || of_norms.contains(id);
        if (!layers_own && is_learned(parts_.folded, node, slot)) add(id, Role::Other);
      }
    }
  }

  /// The folded bias of an operator with a trained norm, which is not a parameter itself.
  [[nodiscard]] ValueId bias_of_norm(const Node& node, std::size_t slot) const {
    if (slot != 2) return kNoValue;
    for (const NormPart& part : parts_.norms) {
      if (&parts_.folded.node(part.node) == &node) return node.inputs[slot];
    }
    return kNoValue;
  }

  const Graph& original_;
  NormMode mode_;
  NetworkParts parts_;
};

void set_constant(Graph& graph, ValueId id, const at::Tensor& tensor) {
  const Tensor& old = *graph.value(id).constant;
  graph.mutable_value(id).constant = ops::from_aten(tensor.detach()).reshaped(old.shape());
}

std::int64_t count_readers(const Graph& graph, ValueId id) {
  std::int64_t readers = 0;
  for (const Node& node : graph.nodes()) {
    readers += std::count(node.inputs.begin(), node.inputs.end(), id);
  }
  return readers;
}

/// Writes a norm's parameters to the constants of its node only: untrained networks often share one
/// tensor of zeros or ones between all norms.
void set_norm(Graph& graph, NodeId id, const Norm& norm) {
  const std::array<std::pair<std::string_view, at::Tensor>, 4> learned{{
      {".scale", norm.scale},
      {".shift", norm.shift},
      {".mean", norm.mean},
      {".variance", norm.variance},
  }};
  for (std::size_t i = 0; i < learned.size(); ++i) {
    Tensor tensor = ops::from_aten(learned[i].second.detach());
    const ValueId given = graph.node(id).inputs[i + 1];
    if (count_readers(graph, given) == 1) {
      // The values of a folded norm's parameters were removed.
      graph.mutable_value(given).constant = std::move(tensor);
      continue;
    }
    const std::string name = norm.name + std::string(learned[i].first);
    const ValueId own = graph.add_constant(name, std::move(tensor));
    graph.mutable_node(id).inputs[i + 1] = own;
  }
}

void fold(Graph& graph, const NetworkParts& parts, const NormPart& part) {
  const graph::Layer& layer = parts.layers[parts.layer_of_node.at(part.node)];
  const std::vector<float> factors = folding_factors(part.norm);
  const at::Tensor& own = parts.parameters.at(layer.weight).tensor;
  std::vector<std::int64_t> extents(static_cast<std::size_t>(own.dim()), 1);
  extents[static_cast<std::size_t>(layer.weight_axis)] = -1;
  const at::Tensor scales = at::tensor(at::ArrayRef<float>(factors), at::TensorOptions(at::kFloat));
  set_constant(graph, layer.weight, own.detach() * scales.reshape(extents));
  set_constant(graph, layer.bias, folded_bias(part, factors));
}

/// Adds the norm after the operator, at the end of the graph.
void move_norm_after(Graph& graph, const NormPart& part) {
  Node norm = part.as_imported;
  Node& product = graph.mutable_node(part.node);
  norm.outputs = product.outputs;
  product.outputs = {norm.inputs[0]};
  product.inputs.resize(2);
  for (const auto note :
       {graph::kFoldedNormAttribute, graph::kNormMeanAttribute, graph::kNormDeviationAttribute}) {
    product.attributes.erase(std::string(note));
  }
  set_norm(graph, graph.add_node(std::move(norm)), part.norm);
}

/// Moves norms that move_norm_after() appended next to their operators, for a readable order in the
/// file.
void move_norms_to_operators(Graph& graph, std::size_t operators) {
  const std::vector<Node> nodes = graph.nodes();
  std::map<ValueId, const Node*> norm_of_input;
  for (std::size_t n = operators; n < nodes.size(); ++n) {
    norm_of_input.emplace(nodes[n].inputs[0], &nodes[n]);
  }
  std::vector<NodeId> all(nodes.size());
  std::iota(all.begin(), all.end(), 0);
  graph.erase_nodes(all);
  for (std::size_t n = 0; n < operators; ++n) {
    graph.add_node(nodes[n]);
    const auto norm = norm_of_input.find(nodes[n].outputs[0]);
    if (norm != norm_of_input.end()) graph.add_node(*norm->second);
  }
}

/// The folded graph with parameters; norms are inserted by `put`.
template <typename Put>
Graph with_parameters(const NetworkParts& parts, Put put) {
  Graph graph = parts.folded;
  for (const auto& [id, part] : parts.parameters) set_constant(graph, id, part.tensor);
  for (const NormPart& part : parts.norms) {
    if (part.stands_alone) {
      set_norm(graph, part.node, part.norm);
    } else {
      put(graph, part);
    }
  }
  return graph;
}

}  // namespace

NetworkParts take_apart(const Graph& graph, NormMode mode) { return Apart(graph, mode).run(); }

std::vector<float> folding_factors(const Norm& norm) {
  const float* scale = norm.scale.data_ptr<float>();
  const float* variance = norm.variance.data_ptr<float>();
  std::vector<float> factors(static_cast<std::size_t>(norm.scale.numel()));
  for (std::size_t c = 0; c < factors.size(); ++c) {
    factors[c] =
        static_cast<float>(scale[c] / std::sqrt(static_cast<double>(variance[c]) + norm.epsilon));
  }
  return factors;
}

at::Tensor folded_bias(const NormPart& part, const std::vector<float>& factors) {
  at::Tensor bias = part.norm.shift.detach().clone();
  const float* mean = part.norm.mean.data_ptr<float>();
  float* b = bias.data_ptr<float>();
  for (std::size_t c = 0; c < factors.size(); ++c) b[c] -= mean[c] * factors[c];
  return bias;
}

Graph put_together(const NetworkParts& parts) {
  return with_parameters(parts,
                         [&](Graph& graph, const NormPart& part) { fold(graph, parts, part); });
}

Graph with_norms(const NetworkParts& parts) {
  Graph graph = with_parameters(parts, move_norm_after);
  move_norms_to_operators(graph, parts.folded.nodes().size());
  return graph;
}

}  // namespace ompq::training
