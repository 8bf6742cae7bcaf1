#include "ompq/ops/inline_branches.h"

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "ompq/ops/infer.h"

namespace ompq::ops {
namespace {

using graph::Graph;
using graph::kNoValue;
using graph::Node;
using graph::NodeId;
using graph::Value;
using graph::ValueId;

bool is_if(const Node& node) { return node.domain.empty() && node.is("If"); }

/// Copies a branch into the network around it.
class Branch {
 public:
  Branch(Graph& graph, NodeId id, const Graph& inside)
      : graph_(graph), choice_(graph.node(id)), inside_(inside), places_(inside.values().size()) {}

  void copy() {
    constexpr std::size_t kCondition = 1;
    for (std::size_t i = 0; i < inside_.inputs().size(); ++i) {
      place(inside_.inputs()[i]) = choice_.inputs.at(kCondition + i);
    }
    name_outputs();
    for (const Node& node : inside_.nodes()) copy_node(node);
    for (const auto& [from, to] : copies_) {
      graph_.add_node({.name = choice_.name + "_copy",
                       .op_type = "Identity",
                       .domain = {},
                       .inputs = {find(from)},
                       .outputs = {to},
                       .attributes = {}});
    }
  }

 private:
  ValueId& place(ValueId id) { return places_[static_cast<std::size_t>(id)].id; }

  /// What the branch makes under the names of the If's own outputs.
  void name_outputs() {
    for (std::size_t i = 0; i < inside_.outputs().size() && i < choice_.outputs.size(); ++i) {
      const ValueId outer = choice_.outputs[i];
      const ValueId inner = inside_.outputs()[i];
      if (outer == kNoValue) continue;
      const bool made = inside_.producer(inner) != graph::kNoNode && place(inner) == kNoValue;
      if (made) {
        place(inner) = outer;
      } else {
        copies_.emplace_back(inner, outer);
      }
    }
  }

  ValueId find(ValueId inner) {
    if (inner == kNoValue) return kNoValue;
    ValueId& known = place(inner);
    if (known != kNoValue) return known;
    Value value = inside_.value(inner);
    if (graph_.find_value(value.name) != kNoValue) {
      const std::string base = fmt::format("{}/{}", choice_.name, value.name);
      value.name = base;
      for (int i = 1; graph_.find_value(value.name) != kNoValue; ++i) {
        value.name = fmt::format("{}_{}", base, i);
      }
    }
    const ValueId id = graph_.add_value(std::move(value));
    return known = id;
  }

  void copy_node(const Node& inner) {
    Node node = inner;
    for (ValueId& id : node.inputs) id = find(id);
    for (ValueId& id : node.outputs) id = find(id);
    graph_.add_node(std::move(node));
  }

  struct Place {
    ValueId id = kNoValue;
  };

  Graph& graph_;
  const Node choice_;
  const Graph& inside_;
  std::vector<Place> places_;  ///< of the branch's values in the network
  std::vector<std::pair<ValueId, ValueId>> copies_;
};

/// One round: those whose condition is known now. Branches may hold others.
int inline_round(Graph& graph) {
  const std::map<std::string, bool> conditions = known_conditions(graph);
  std::vector<NodeId> gone;
  const auto count = static_cast<NodeId>(graph.nodes().size());
  for (NodeId id = 0; id < count; ++id) {
    const Node& node = graph.node(id);
    const auto known = conditions.find(node.name);
    if (!is_if(node) || known == conditions.end()) continue;
    const std::string name = known->second ? "then_branch" : "else_branch";
    const Graph* inside = node.sub_graph(name);
    if (inside == nullptr) continue;
    const graph::SubGraph keep = std::get<graph::SubGraph>(node.attributes.at(name));
    Branch(graph, id, *keep).copy();
    gone.push_back(id);
  }
  graph.erase_nodes(gone);
  if (!gone.empty()) graph.sort();
  return static_cast<int>(gone.size());
}

}  // namespace

int inline_known_branches(Graph& graph) {
  int total = 0;
  while (std::any_of(graph.nodes().begin(), graph.nodes().end(), is_if)) {
    const int round = inline_round(graph);
    if (round == 0) break;
    total += round;
  }
  return total;
}

}  // namespace ompq::ops
