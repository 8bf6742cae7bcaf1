#include "ompq/graph/dominators.h"

#include <bit>

namespace ompq::graph {

Dominators::Dominators(const Graph& graph, const Uses& uses) {
  const std::size_t slots = graph.nodes().size() + 1;
  depth_.assign(slots, 0);
  up_.assign(std::bit_width(slots), std::vector<int>(slots, 0));
  for (std::size_t i = 0; i < graph.nodes().size(); ++i) {
    constexpr int kUnset = -1;
    int above = kUnset;
    for (const ValueId input : graph.nodes()[i].inputs) {
      if (input == kNoValue || graph.is_constant(input)) continue;
      const int maker = uses.producer(input) + 1;
      above = above == kUnset ? maker : meet(above, maker);
    }
    const std::size_t slot = i + 1;
    up_[0][slot] = above == kUnset ? 0 : above;
    depth_[slot] = depth_[static_cast<std::size_t>(up_[0][slot])] + 1;
    for (std::size_t k = 1; k < up_.size(); ++k) {
      up_[k][slot] = up_[k - 1][static_cast<std::size_t>(up_[k - 1][slot])];
    }
  }
}

int Dominators::meet(int a, int b) const {
  const auto depth = [&](int slot) { return depth_[static_cast<std::size_t>(slot)]; };
  const auto up = [&](std::size_t k, int slot) { return up_[k][static_cast<std::size_t>(slot)]; };
  if (depth(a) < depth(b)) std::swap(a, b);
  for (std::size_t k = up_.size(); k-- > 0;) {
    if (depth(a) - depth(b) >= (1 << k)) a = up(k, a);
  }
  if (a == b) return a;
  for (std::size_t k = up_.size(); k-- > 0;) {
    if (up(k, a) != up(k, b)) {
      a = up(k, a);
      b = up(k, b);
    }
  }
  return up(0, a);
}

NodeId Dominators::immediate(NodeId id) const {
  return up_[0][static_cast<std::size_t>(id) + 1] - 1;
}

NodeId Dominators::common(NodeId a, NodeId b) const { return meet(a + 1, b + 1) - 1; }

}  // namespace ompq::graph
