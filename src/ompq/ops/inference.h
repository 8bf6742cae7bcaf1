#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "ompq/core/error.h"
#include "ompq/graph/graph.h"
#include "ompq/ops/facts.h"
#include "ompq/ops/operator.h"

namespace ompq::ops {

/// What is known of a value besides what the graph holds.
struct Knowledge {
  bool known = false;     ///< type and shape are inferred
  bool constant = false;  ///< depends on constants alone, computed yet or not
  Elements elements;
};

class Inference {
 public:
  explicit Inference(graph::Graph& graph) : graph_(graph), knowledge_(graph.values().size()) {
    for (const graph::ValueId input : graph_.inputs()) at(input).known = true;
    for (std::size_t i = 0; i < knowledge_.size(); ++i) {
      const auto id = static_cast<graph::ValueId>(i);
      if (graph_.is_constant(id)) learn_constant(id);
    }
  }

  /// What is known of an input's elements besides what the graph holds.
  void know(graph::ValueId id, const Elements& elements) {
    if (elements && !at(id).elements) at(id).elements = elements;
  }
  void visit_all() {
    for (std::size_t i = 0; i < graph_.nodes().size(); ++i) visit(static_cast<graph::NodeId>(i));
  }
  void visit(graph::NodeId id);
  void raise() const;
  [[nodiscard]] std::map<std::string, bool> conditions();
  [[nodiscard]] const std::set<std::string>& data_dependent() const { return data_dependent_; }
  [[nodiscard]] OutputFacts facts_of(graph::ValueId id) {
    const graph::Value& value = graph_.value(id);
    return {value.type, value.shape.value(), at(id).elements};
  }
  [[nodiscard]] bool knows(graph::ValueId id) { return at(id).known && graph_.value(id).shape; }
  /// Computes the constant values that the rest of the network reads.
  void compute_frontier();
  void detach_constants();
  void simplify_reshapes();

 private:
  Knowledge& at(graph::ValueId id) { return knowledge_[static_cast<std::size_t>(id)]; }
  void learn_constant(graph::ValueId id);
  void learn_output(graph::ValueId id, const OutputFacts& facts, bool constant);
  [[nodiscard]] std::vector<InputFacts> facts_for(const graph::Node& node);
  [[nodiscard]] UnsupportedReason unsupported_reason(graph::NodeId id,
                                                     const Operator* op,
                                                     Facts facts) const;
  [[nodiscard]] bool inputs_are_constant(const graph::Node& node);
  void infer_outputs(graph::NodeId id, const Operator& op, Facts facts);
  [[nodiscard]] std::optional<std::int64_t> bytes_of(graph::ValueId id) const;
  [[nodiscard]] bool stays(graph::ValueId id) const;

  graph::Graph& graph_;
  std::vector<Knowledge> knowledge_;
  std::vector<std::string> unsupported_;
  std::set<std::string> data_dependent_;  ///< names of nodes, some of those that are unsupported
  std::optional<ShapeError> misfit_;
};

/// The conditions of If nodes that constants and shapes decide, by the node's name. Nodes that
/// cannot be run are passed over.
[[nodiscard]] std::map<std::string, bool> known_conditions(graph::Graph graph);

/// Nodes, by name, that cannot be run because the shape of what they make, or an operand that must
/// be known, depends on the data. Those that read what they make are not among them.
[[nodiscard]] std::set<std::string> data_dependent_nodes(graph::Graph graph);

}  // namespace ompq::ops
