#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "ompq/graph/graph.h"

namespace ompq::runtime {

/// One node in the order of execution.
struct Step {
  graph::NodeId node = graph::kNoNode;
  /// Activations that nobody reads after this step; an output that nobody reads is among them.
  std::vector<graph::ValueId> last_read;
};

/// When each node runs and each activation dies. Constants never do; network outputs live to the
/// end.
struct ExecutionPlan {
  std::vector<Step> steps;

  /// The first step that reads `value`, or steps.size() if none does.
  [[nodiscard]] std::size_t first_reader(const graph::Graph& graph, graph::ValueId value) const;
};

[[nodiscard]] ExecutionPlan make_plan(const graph::Graph& graph);

}  // namespace ompq::runtime
