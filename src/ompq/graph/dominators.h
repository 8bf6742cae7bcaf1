#pragma once

#include <vector>

#include "ompq/graph/graph.h"
#include "ompq/graph/uses.h"

namespace ompq::graph {

/// Dominators: the nodes on every path from the network's inputs to a node. Paths from constants do
/// not count. Requires nodes in topological order; O(n log n).
class Dominators {
 public:
  Dominators(const Graph& graph, const Uses& uses);
  /// The immediate dominator of `id`; kNoNode if it is the inputs.
  [[nodiscard]] NodeId immediate(NodeId id) const;
  /// The nearest common dominator, which may be one of the two; kNoNode likewise.
  [[nodiscard]] NodeId common(NodeId a, NodeId b) const;

 private:
  // Slot 0 is the inputs, slot i + 1 is node i.
  std::vector<int> depth_;
  std::vector<std::vector<int>> up_;  // up_[k][s]: the dominator 2^k steps above s
  [[nodiscard]] int meet(int a, int b) const;
};

}  // namespace ompq::graph
