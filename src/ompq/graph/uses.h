#pragma once

#include <vector>

#include "ompq/graph/graph.h"

namespace ompq::graph {

/// Producer and consumers of each value, for passes that rewire a graph: unlike the graph's index,
/// which any change discards, it is updated in place.
class Uses {
 public:
  explicit Uses(const Graph& graph);

  /// kNoNode for inputs and constants.
  [[nodiscard]] NodeId producer(ValueId id) const { return producer_[index(id)]; }
  void set_producer(ValueId id, NodeId node) { producer_[index(id)] = node; }
  /// Nodes that read `id`, each once.
  [[nodiscard]] const std::vector<NodeId>& readers(ValueId id) const { return readers_[index(id)]; }
  /// The only node that reads `id`; kNoNode if several or none do, or if `id` must be kept.
  [[nodiscard]] NodeId sole_reader(ValueId id) const;
  /// True for network outputs and values passed to keep().
  [[nodiscard]] bool is_visible(ValueId id) const { return visible_[index(id)]; }
  void keep(ValueId id) { visible_.at(index(id)) = true; }

 private:
  static std::size_t index(ValueId id) { return static_cast<std::size_t>(id); }

  std::vector<NodeId> producer_;
  std::vector<std::vector<NodeId>> readers_;
  std::vector<bool> visible_;
};

}  // namespace ompq::graph
