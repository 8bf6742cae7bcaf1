#pragma once

#include <vector>

#include "ompq/graph/graph.h"
#include "ompq/graph/uses.h"

namespace ompq::graph {

/// Which nodes every path from the network's inputs to a node must pass. Constants are no paths.
/// Needs nodes in topological order; O(n log n).
class Dominators {
 public:
  Dominators(const Graph& graph, const Uses& uses);
  /// The last node before `id` that every path to `id` passes; kNoNode if that is only the inputs.
  [[nodiscard]] NodeId immediate(NodeId id) const;
  /// The last node that every path to either passes, which may be one of them; kNoNode likewise.
  [[nodiscard]] NodeId common(NodeId a, NodeId b) const;

 private:
  // Slot 0 stands for the inputs, slot i + 1 for node i.
  std::vector<int> depth_;
  std::vector<std::vector<int>> up_;  // up_[k][s]: the dominator 2^k steps above s
  [[nodiscard]] int meet(int a, int b) const;
};

}  // namespace ompq::graph
