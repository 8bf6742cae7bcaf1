#include "ompq/onnx_io/float_kernels.h"

#include <cstdint>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "ompq/graph/operator_traits.h"
#include "ompq/graph/weight_slots.h"

namespace ompq::onnx_io {
namespace {

using graph::Graph;
using graph::kNoNode;
using graph::kNoValue;
using graph::Node;
using graph::NodeId;
using graph::ValueId;
using graph::WeightSlot;
using graph::WeightUse;

/// What only moves numbers may run on codes: the result is the same.
bool passes_codes(const Graph& graph, const Node& node) {
  return graph::integer_form(graph, node) == graph::IntegerForm::PassesCodes;
}

bool is_dequantized(const Graph& graph, ValueId value) {
  if (value == kNoValue || graph.producer(value) == kNoNode) return false;
  return graph.node(graph.producer(value)).is("DequantizeLinear");
}

/// The weight of a convolution or matrix product, constant or not.
std::optional<WeightSlot> product_weight(const Graph& graph, const Node& node) {
  const auto slots = graph::weight_slots(graph, node);
  if (slots.size() != 1) return std::nullopt;
  const bool product = slots[0].use == WeightUse::Convolution || slots[0].use == WeightUse::Product;
  return product ? std::optional(slots[0]) : std::nullopt;
}

/// True if all operands (except the condition of a Where) come from DequantizeLinear.
bool reads_only_dequantized(const Graph& graph, const Node& node) {
  bool any = false;
  for (std::size_t i = node.is("Where") ? 1 : 0; i < node.inputs.size(); ++i) {
    if (node.inputs[i] == kNoValue) continue;
    if (!is_dequantized(graph, node.inputs[i])) return false;
    any = true;
  }
  return any;
}

/// True if the dequantized activation of a product has a single scale.
bool reads_one_scale(const Graph& graph, const Node& node) {
  if (!product_weight(graph, node) || !is_dequantized(graph, node.input(0))) return false;
  const ValueId scale = graph.node(graph.producer(node.input(0))).input(1);
  return graph.is_constant(scale) && graph.value(scale).constant->elements() == 1;
}

/// Number of channels of a missing bias; nullopt if the node has one or takes none.
std::optional<std::int64_t> missing_bias(const Graph& graph, const Node& node) {
  const auto weight = product_weight(graph, node);
  if (!weight || weight->bias == 0 || node.input(weight->bias) != kNoValue) return std::nullopt;
  const ValueId codes = graph.node(graph.producer(node.input(weight->operand))).input(0);
  if (!graph.is_constant(codes) || graph.value(codes).constant->rank() < 2) return std::nullopt;
  const std::int64_t channels =
      graph.value(codes).constant->shape()[static_cast<std::size_t>(weight->axis)];
  return node.is("ConvTranspose") ? channels * node.int_attribute("group", 1) : channels;
}

class Keeper {
 public:
  Keeper(Graph& graph, bool integer) : graph_(graph), integer_(integer) {}

  void run() {
    // Collected first, since every change makes the graph rebuild its index.
    std::vector<NodeId> shielded;
    std::vector<std::pair<NodeId, std::int64_t>> unbiased;
    for (std::size_t n = 0; n < graph_.nodes().size(); ++n) {
      const auto id = static_cast<NodeId>(n);
      const Node& node = graph_.node(id);
      if (!node.domain.empty() || passes_codes(graph_, node)) continue;
      const bool alone = !integer_ && reads_only_dequantized(graph_, node);
      const bool one_scale =
          reads_one_scale(graph_, node) && !(integer_ && is_dequantized(graph_, node.input(1)));
      const auto channels = alone ? missing_bias(graph_, node) : std::nullopt;
      if (channels) unbiased.emplace_back(id, *channels);
      if (one_scale || (alone && !channels)) shielded.push_back(id);
    }
    for (const auto& [id, channels] : unbiased) add_bias(id, channels);
    for (const NodeId id : shielded) shield(id);
    if (!shielded.empty()) graph_.sort();
  }

 private:
  void add_bias(NodeId id, std::int64_t channels) {
    const auto [zeros, fresh] = zeros_.emplace(channels, kNoValue);
    if (fresh) {
      zeros->second = graph_.add_constant(
          "zero_bias", Tensor(DataType::Float32, std::vector<std::int64_t>{channels}));
    }
    Node& node = graph_.mutable_node(id);
    node.inputs.resize(2);
    node.inputs.push_back(zeros->second);
  }

  void shield(NodeId id) {
    const std::size_t place = graph_.node(id).is("Where") ? 1 : 0;
    const ValueId value = graph_.node(id).inputs[place];
    const auto [shielded, fresh] = shielded_.emplace(value, kNoValue);
    if (fresh) {
      shielded->second = graph_.add_value(
          {.name = {}, .type = graph_.value(value).type, .shape = graph_.value(value).shape});
      graph_.add_node(
          {.name = {}, .op_type = "Max", .inputs = {value}, .outputs = {shielded->second}});
    }
    graph_.mutable_node(id).inputs[place] = shielded->second;
  }

  Graph& graph_;
  bool integer_;  ///< other layers are written for integer kernels
  std::map<std::int64_t, ValueId> zeros_;
  std::map<ValueId, ValueId> shielded_;
};

}  // namespace

void keep_float_kernels(Graph& graph) { Keeper(graph, false).run(); }

void keep_float_weights(Graph& graph) { Keeper(graph, true).run(); }

}  // namespace ompq::onnx_io
