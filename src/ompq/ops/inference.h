#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "ompq/core/error.h"
#include "ompq/graph/graph.h"
#include "ompq/ops/facts.h"
#include "ompq/ops/fold_budget.h"
#include "ompq/ops/operator.h"

namespace ompq::ops {

/// Information about a value that is not in the graph.
struct Knowledge {
  bool known = false;     ///< type and shape are inferred
  bool constant = false;  ///< depends only on constants, computed yet or not
  Elements elements;
};

class Inference {
 public:
  explicit Inference(graph::Graph& graph)
      : graph_(graph), knowledge_(graph.values().size()), budget_(graph) {
    for (const graph::ValueId input : graph_.inputs()) at(input).known = true;
    for (std::size_t i = 0; i < knowledge_.size(); ++i) {
      const auto id = static_cast<graph::ValueId>(i);
      if (graph_.is_constant(id)) learn_constant(id);
    }
  }

  /// @throws ShapeError for a shape that no machine can hold.
  void check_inputs() const;
  /// Known elements of an input that are not in the graph.
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
  /// Computes the constants that non-constant nodes read.
  void compute_frontier();
  void detach_constants();
  void simplify_reshapes();

 private:
  Knowledge& at(graph::ValueId id) { return knowledge_[static_cast<std::size_t>(id)]; }
  void learn_constant(graph::ValueId id);
  /// Computes values that depend only on constants; the integers of decoded ones are kept.
  void fold_values(const std::vector<graph::ValueId>& values);
  void learn_output(graph::ValueId id, const OutputFacts& facts, bool constant);
  [[nodiscard]] std::vector<InputFacts> facts_for(const graph::Node& node);
  [[nodiscard]] UnsupportedReason unsupported_reason(graph::NodeId id,
                                                     const Operator* op,
                                                     Facts facts) const;
  [[nodiscard]] bool inputs_are_constant(const graph::Node& node);
  void infer_outputs(graph::NodeId id, const Operator& op, Facts facts);
  [[nodiscard]] std::int64_t bytes_of_value(graph::ValueId id) const;
  [[nodiscard]] bool is_eager(graph::ValueId id) const;
  [[nodiscard]] bool stays(graph::ValueId id, std::int64_t planned) const;

  graph::Graph& graph_;
  std::vector<Knowledge> knowledge_;
  FoldBudget budget_;  ///< holds the folded constants
  std::vector<std::string> unsupported_;
  std::set<std::string> data_dependent_;  ///< names of unsupported nodes with data-dependent shapes
  std::optional<ShapeError> misfit_;
};

/// The known conditions of If nodes, by the node's name. Unsupported nodes are skipped.
[[nodiscard]] std::map<std::string, bool> known_conditions(graph::Graph graph);

/// Names of nodes that cannot be run because their output shape, or an operand that must be known,
/// depends on the data, without the nodes after them.
[[nodiscard]] std::set<std::string> data_dependent_nodes(graph::Graph graph);

}  // namespace ompq::ops
