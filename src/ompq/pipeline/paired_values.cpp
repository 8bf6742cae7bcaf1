#include "ompq/pipeline/paired_values.h"

#include <algorithm>
#include <cstdint>
#include <set>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "ompq/rounding/operand_codes.h"
#include "ompq/targets/placement.h"

namespace ompq::pipeline {
namespace {

using graph::Graph;
using graph::kNoNode;
using graph::kNoValue;
using graph::Node;
using graph::NodeId;
using graph::ValueId;

ValueId first_output(const Graph& graph, NodeId node) { return graph.node(node).outputs.front(); }

NodeId reader_of_type(const Graph& graph, ValueId value, std::string_view op_type) {
  for (const NodeId reader : graph.consumers(value)) {
    const Node& node = graph.node(reader);
    if (node.domain.empty() && node.is(op_type)) return reader;
  }
  return kNoNode;
}

class Pairing {
 public:
  Pairing(const Graph& plain, const Graph& quantized, const std::map<NodeId, NodeId>& nodes)
      : plain_(plain), quantized_(quantized), nodes_(nodes) {
    for (const auto& [ours, theirs] : nodes) taken_.insert(theirs);
  }

  std::map<ValueId, ValueId> run() {
    for (std::size_t i = 0; i < plain_.inputs().size() && i < quantized_.inputs().size(); ++i) {
      pairs_.emplace(plain_.inputs()[i], quantized_.inputs()[i]);
    }
    for (std::size_t n = 0; n < plain_.nodes().size(); ++n) pair(static_cast<NodeId>(n));
    return std::move(pairs_);
  }

 private:
  void pair(NodeId id) {
    const Node& node = plain_.node(id);
    const NodeId partner = partner_of(id);
    if (partner != kNoNode) {
      taken_.insert(partner);
      const auto& outputs = quantized_.node(partner).outputs;
      for (std::size_t i = 0; i < node.outputs.size() && i < outputs.size(); ++i) {
        pairs_.emplace(node.outputs[i], outputs[i]);
      }
    } else if (targets::is_clipped_by_quantizer(plain_, node)) {
      const auto input = pairs_.find(node.input(0));
      if (input != pairs_.end()) pairs_.emplace(node.outputs.front(), input->second);
    }
  }

  [[nodiscard]] NodeId partner_of(NodeId id) const {
    const auto known = nodes_.find(id);
    if (known != nodes_.end()) return known->second;
    const Node& node = plain_.node(id);
    for (const ValueId input : node.inputs) {
      const auto pair = pairs_.find(input);
      if (pair == pairs_.end()) continue;
      for (const ValueId read : {pair->second, after_quantizer(quantized_, pair->second)}) {
        if (read == kNoValue) continue;
        for (const NodeId reader : quantized_.consumers(read)) {
          if (!taken_.contains(reader) && are_alike(node, quantized_.node(reader))) return reader;
        }
      }
    }
    return kNoNode;
  }

  [[nodiscard]] bool are_alike(const Node& ours, const Node& theirs) const {
    const bool with_constant = std::ranges::any_of(
        ours.inputs, [&](ValueId id) { return id != kNoValue && plain_.is_constant(id); });
    if ((ours.op_type != theirs.op_type &&
         !(with_constant && rounding::form_with_codes(ours) == theirs.op_type)) ||
        ours.domain != theirs.domain || ours.inputs.size() != theirs.inputs.size() ||
        !same_attributes(ours, theirs)) {
      return false;
    }
    for (std::size_t i = 0; i < ours.inputs.size(); ++i) {
      const auto pair = pairs_.find(ours.inputs[i]);
      if (pair == pairs_.end()) continue;
      // A constant operand is written last.
      const bool moved = with_constant && ours.inputs.size() == 2;
      const auto read = moved ? theirs.inputs : std::vector<ValueId>{theirs.inputs[i]};
      if (std::ranges::count(read, pair->second) == 0 &&
          std::ranges::count(read, after_quantizer(quantized_, pair->second)) == 0) {
        return false;
      }
    }
    return true;
  }

  /// Tensors and sub-networks are not compared.
  static bool same_attributes(const Node& ours, const Node& theirs) {
    for (const auto& [name, value] : ours.attributes) {
      const auto found = theirs.attributes.find(name);
      if (found == theirs.attributes.end() || found->second.index() != value.index()) return false;
      const auto* whole = std::get_if<std::int64_t>(&value);
      const auto* list = std::get_if<std::vector<std::int64_t>>(&value);
      if (whole != nullptr && *whole != std::get<std::int64_t>(found->second)) return false;
      if (list != nullptr && *list != std::get<std::vector<std::int64_t>>(found->second)) {
        return false;
      }
    }
    return true;
  }

  const Graph& plain_;
  const Graph& quantized_;
  const std::map<NodeId, NodeId>& nodes_;
  std::set<NodeId> taken_;
  std::map<ValueId, ValueId> pairs_;
};

}  // namespace

ValueId after_quantizer(const Graph& graph, ValueId value) {
  const NodeId quantize = reader_of_type(graph, value, "QuantizeLinear");
  if (quantize == kNoNode) return kNoValue;
  ValueId codes = first_output(graph, quantize);
  if (const NodeId clip = reader_of_type(graph, codes, "Clip"); clip != kNoNode) {
    codes = first_output(graph, clip);
  }
  const NodeId dequantize = reader_of_type(graph, codes, "DequantizeLinear");
  return dequantize == kNoNode ? kNoValue : first_output(graph, dequantize);
}

std::map<ValueId, ValueId> paired_values(const Graph& plain,
                                         const Graph& quantized,
                                         const std::map<NodeId, NodeId>& nodes) {
  return Pairing(plain, quantized, nodes).run();
}

}  // namespace ompq::pipeline
