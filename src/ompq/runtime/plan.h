#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "ompq/graph/graph.h"

namespace ompq::runtime {

/// One node in execution order.
struct Step {
  graph::NodeId node = graph::kNoNode;
  /// Activations without readers after this step, including unused outputs.
  std::vector<graph::ValueId> last_read;
};

/// The execution order and the lifetime of activations. Constants and network outputs are never
/// freed.
struct ExecutionPlan {
  std::vector<Step> steps;

  /// The first step that reads `value`, or steps.size() if none does.
  [[nodiscard]] std::size_t first_reader(const graph::Graph& graph, graph::ValueId value) const;
};

[[nodiscard]] ExecutionPlan make_plan(const graph::Graph& graph);

}  // namespace ompq::runtime
