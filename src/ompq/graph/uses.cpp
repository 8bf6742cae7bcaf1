#include "ompq/graph/uses.h"

namespace ompq::graph {

Uses::Uses(const Graph& graph)
    : producer_(graph.values().size(), kNoNode),
      readers_(graph.values().size()),
      visible_(graph.values().size(), false) {
  for (std::size_t i = 0; i < graph.nodes().size(); ++i) {
    const auto id = static_cast<NodeId>(i);
    for (const ValueId output : graph.nodes()[i].outputs) {
      if (output != kNoValue) producer_[index(output)] = id;
    }
    for (const ValueId input : graph.nodes()[i].inputs) {
      if (input == kNoValue) continue;
      std::vector<NodeId>& readers = readers_[index(input)];
      if (readers.empty() || readers.back() != id) readers.push_back(id);
    }
  }
  for (const ValueId output : graph.outputs()) visible_[index(output)] = true;
}

NodeId Uses::sole_reader(ValueId id) const {
  const std::vector<NodeId>& found = readers(id);
  return found.size() == 1 && !is_visible(id) ? found.front() : kNoNode;
}

}  // namespace ompq::graph
