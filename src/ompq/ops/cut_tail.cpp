#include "ompq/ops/cut_tail.h"

#include <algorithm>
#include <set>

#include "ompq/graph/weight_slots.h"
#include "ompq/ops/inference.h"
#include "ompq/ops/operator.h"

namespace ompq::ops {
namespace {

using graph::Graph;
using graph::kNoNode;
using graph::kNoValue;
using graph::Node;
using graph::NodeId;
using graph::ValueId;

/// The nodes of the tail, and the values that they read.
class TailFinder {
 public:
  explicit TailFinder(const Graph& graph) : graph_(graph), cut_(graph.nodes().size(), false) {}

  /// `first` and all nodes after them. The graph is in topological order.
  void grow_from(const std::set<std::string>& first) {
    for (std::size_t n = 0; n < cut_.size(); ++n) {
      const Node& node = graph_.nodes()[n];
      cut_[n] = first.contains(node.name) ||
                std::ranges::any_of(node.inputs, [&](ValueId input) { return is_cut(input); });
    }
  }
  /// True if the tail has no layer and no unknown operator.
  [[nodiscard]] bool can_be_copied() const {
    for (std::size_t n = 0; n < cut_.size(); ++n) {
      const Node& node = graph_.nodes()[n];
      if (cut_[n] && (is_layer(node) || !is_known(node))) return false;
    }
    return true;
  }
  /// The outputs of the rest of the network.
  [[nodiscard]] std::vector<ValueId> outputs() {
    for (const ValueId output : graph_.outputs()) add(output);
    return outputs_;
  }
  [[nodiscard]] Tail tail() const {
    Tail found;
    for (std::size_t n = 0; n < cut_.size(); ++n) {
      if (cut_[n]) found.emplace_back(graph_.nodes()[n].name, graph_.nodes()[n].op_type);
    }
    return found;
  }

 private:
  [[nodiscard]] bool is_cut(ValueId value) const {
    if (value == kNoValue) return false;
    const NodeId maker = graph_.producer(value);
    return maker != kNoNode && cut_[static_cast<std::size_t>(maker)];
  }
  [[nodiscard]] bool is_known(const Node& node) const {
    return find_operator(node.domain, node.op_type) != nullptr ||
           depends_on_data(node.domain, node.op_type);
  }
  [[nodiscard]] bool is_layer(const Node& node) const {
    return std::ranges::any_of(
        graph::weight_slots(graph_, node), [&](const graph::WeightSlot& slot) {
          // Gathers in the tail select boxes and classes.
          return slot.use != graph::WeightUse::Lookup && node.input(slot.operand) != kNoValue &&
                 !depends_on_samples(node.input(slot.operand));
        });
  }
  /// False for constants, and for values that are computed from constants and shapes only.
  [[nodiscard]] bool depends_on_samples(ValueId value) const {
    std::set<ValueId> seen;
    std::vector<ValueId> open{value};
    while (!open.empty()) {
      const ValueId id = open.back();
      open.pop_back();
      if (id == kNoValue || graph_.is_constant(id) || !seen.insert(id).second) continue;
      const NodeId maker = graph_.producer(id);
      if (maker == kNoNode) return true;
      const Node& node = graph_.node(maker);
      if (node.is("Shape") || node.is("Size")) continue;
      open.insert(open.end(), node.inputs.begin(), node.inputs.end());
    }
    return false;
  }
  void add(ValueId value) {
    if (value == kNoValue || !seen_.insert(value).second) return;
    if (is_cut(value)) {
      for (const ValueId input : graph_.node(graph_.producer(value)).inputs) add(input);
      return;
    }
    const bool made = graph_.producer(value) != kNoNode;
    if (graph_.is_output(value) || (made && depends_on_samples(value))) outputs_.push_back(value);
  }

  const Graph& graph_;
  std::vector<bool> cut_;
  std::set<ValueId> seen_;
  std::vector<ValueId> outputs_;
};

}  // namespace

Tail cut_tail(Graph& graph) {
  const std::set<std::string> first = data_dependent_nodes(graph);
  if (first.empty()) return {};
  Graph rest = graph;
  rest.sort();
  rest.erase_dead_nodes();
  TailFinder finder(rest);
  finder.grow_from(first);
  if (!finder.can_be_copied()) return {};
  const std::vector<ValueId> outputs = finder.outputs();
  if (outputs.empty()) return {};
  Tail tail = finder.tail();
  rest.set_outputs(outputs);
  rest.erase_dead_nodes();
  graph = std::move(rest);
  return tail;
}

}  // namespace ompq::ops
