#include "ompq/ops/inline_branches.h"

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "ompq/graph/taken_branch.h"
#include "ompq/ops/inference.h"

namespace ompq::ops {
namespace {

using graph::Graph;
using graph::kNoValue;
using graph::Node;
using graph::NodeId;
using graph::Value;
using graph::ValueId;

bool is_if(const Node& node) { return node.domain.empty() && node.is("If"); }

/// Copies a branch into the outer network.
class Branch {
 public:
  Branch(Graph& graph, NodeId id, const Graph& inside)
      : graph_(graph), choice_(graph.node(id)), inside_(inside), places_(inside.values().size()) {}

  /// Replaces the If.
  void copy() {
    place_inputs();
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

  /// Inserts the branch before the If. @return the branch's outputs.
  std::vector<ValueId> copy_before() {
    place_inputs();
    for (const Node& node : inside_.nodes()) copy_node(node);
    std::vector<ValueId> made;
    for (const ValueId id : inside_.outputs()) made.push_back(find(id));
    return made;
  }

 private:
  void place_inputs() {
    constexpr std::size_t kCondition = 1;
    for (std::size_t i = 0; i < inside_.inputs().size(); ++i) {
      place(inside_.inputs()[i]) = choice_.inputs.at(kCondition + i);
    }
  }

  ValueId& place(ValueId id) { return places_[static_cast<std::size_t>(id)].id; }

  /// Gives the branch's outputs the names of the If's outputs.
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
  std::vector<Place> places_;  ///< of the branch's values in the outer network
  std::vector<std::pair<ValueId, ValueId>> copies_;
};

/// One round for all known conditions. Branches may contain further Ifs.
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

/// The branch that is not taken, with `more` additional captured values.
graph::SubGraph with_more_inputs(const Graph& branch, std::size_t more) {
  Graph wider = branch;
  for (std::size_t i = 0; i < more; ++i) wider.add_open_input(fmt::format("taken_{}", i));
  return std::make_shared<const Graph>(std::move(wider));
}

/// A branch with `inputs` inputs that returns the last `count` of them.
graph::SubGraph handing_on(const Graph& branch, std::size_t inputs, std::size_t count) {
  Graph graph;
  graph.name = branch.name;
  graph.opset = branch.opset;
  for (std::size_t i = 0; i < inputs; ++i) {
    const ValueId id = graph.add_open_input(fmt::format("given_{}", i));
    if (i + count >= inputs) graph.mark_output(id);
  }
  return std::make_shared<const Graph>(std::move(graph));
}

void take_branch(Graph& graph, NodeId id, bool condition) {
  const std::string taken = condition ? "then_branch" : "else_branch";
  const std::string other = condition ? "else_branch" : "then_branch";
  const auto inside = std::get<graph::SubGraph>(graph.node(id).attributes.at(taken));
  const auto left = std::get<graph::SubGraph>(graph.node(id).attributes.at(other));
  const std::vector<ValueId> made = Branch(graph, id, *inside).copy_before();
  Node& node = graph.mutable_node(id);
  node.inputs.insert(node.inputs.end(), made.begin(), made.end());
  const std::size_t captured = node.inputs.size() - 1;
  node.attributes[taken] = handing_on(*inside, captured, made.size());
  node.attributes[other] = with_more_inputs(*left, made.size());
  node.attributes[std::string(graph::kCapturesNote)] = static_cast<std::int64_t>(captured);
  node.attributes[std::string(graph::kTakenNote)] = std::int64_t{condition};
}

/// One round of take_branches().
int take_round(Graph& graph, const std::map<std::string, Tensor>& numbers) {
  Graph decided = graph;
  for (const auto& [name, number] : numbers) {
    const ValueId id = decided.find_value(name);
    if (id != kNoValue) decided.mutable_value(id).constant = number;
  }
  const std::map<std::string, bool> conditions = known_conditions(std::move(decided));
  int total = 0;
  const auto count = static_cast<NodeId>(graph.nodes().size());
  for (NodeId id = 0; id < count; ++id) {
    const Node& node = graph.node(id);
    const auto known = conditions.find(node.name);
    if (!is_if(node) || known == conditions.end() || node.has_attribute(graph::kTakenNote))
      continue;
    if (node.sub_graph("then_branch") == nullptr || node.sub_graph("else_branch") == nullptr) {
      continue;
    }
    take_branch(graph, id, known->second);
    ++total;
  }
  graph.sort();
  return total;
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

int take_branches(Graph& graph, const std::map<std::string, Tensor>& numbers) {
  int total = 0;
  while (!numbers.empty()) {
    const int round = take_round(graph, numbers);
    if (round == 0) break;
    total += round;
    inline_known_branches(graph);
  }
  return total;
}

}  // namespace ompq::ops
