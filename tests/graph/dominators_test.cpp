#include "ompq/graph/dominators.h"

#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "ompq/core/random.h"
#include "support/graph_builder.h"

namespace ompq::graph {
namespace {

using testing::GraphBuilder;
using NodeSet = std::set<NodeId>;

const Shape kRow{Dim::batch(), Dim::fixed(4)};

/// Nodes that the inputs reach without passing through `removed`.
NodeSet reached_without(const Graph& graph, NodeId removed) {
  std::set<ValueId> values(graph.inputs().begin(), graph.inputs().end());
  NodeSet reached;
  for (std::size_t i = 0; i < graph.nodes().size(); ++i) {
    const auto id = static_cast<NodeId>(i);
    if (id == removed) continue;
    for (const ValueId input : graph.node(id).inputs) {
      if (!values.contains(input)) continue;
      reached.insert(id);
      values.insert(graph.node(id).outputs[0]);
    }
  }
  return reached;
}

/// By the definition: the nodes without which the inputs do not reach `id`, and `id`.
std::vector<NodeSet> all_dominators(const Graph& graph) {
  std::vector<NodeSet> dominators(graph.nodes().size());
  for (std::size_t d = 0; d < dominators.size(); ++d) {
    const NodeSet reached = reached_without(graph, static_cast<NodeId>(d));
    for (std::size_t n = 0; n < dominators.size(); ++n) {
      if (!reached.contains(static_cast<NodeId>(n))) dominators[n].insert(static_cast<NodeId>(d));
    }
  }
  return dominators;
}

/// The last node of a set in topological order; kNoNode: the inputs.
NodeId last_of(const NodeSet& nodes) { return nodes.empty() ? kNoNode : *nodes.rbegin(); }

/// Sums and activations of random earlier values, with two inputs.
Graph random_network(std::uint64_t seed) {
  Random random(seed);
  GraphBuilder b("random");
  std::vector<ValueId> values{b.input("a", kRow), b.input("b", kRow)};
  const auto any = [&] { return values[random.below(values.size())]; };
  for (int n = 0; n < 14; ++n) {
    const std::string name = "n" + std::to_string(n);
    values.push_back(random.below(3) == 0 ? b.relu(name, any()) : b.add(name, any(), any()));
  }
  return b.finish({values.back()});
}

TEST(Dominators, AreThoseOfTheDefinition) {
  int inner = 0;
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    const Graph graph = random_network(seed);
    const Dominators dominators(graph, Uses(graph));
    const std::vector<NodeSet> expected = all_dominators(graph);
    for (std::size_t a = 0; a < expected.size(); ++a) {
      NodeSet strict = expected[a];
      strict.erase(static_cast<NodeId>(a));
      ASSERT_EQ(dominators.immediate(static_cast<NodeId>(a)), last_of(strict))
          << "seed " << seed << " node " << a;
      inner += strict.empty() ? 0 : 1;
      for (std::size_t b = 0; b < expected.size(); ++b) {
        NodeSet shared;
        for (const NodeId id : expected[a]) {
          if (expected[b].contains(id)) shared.insert(id);
        }
        ASSERT_EQ(dominators.common(static_cast<NodeId>(a), static_cast<NodeId>(b)),
                  last_of(shared))
            << "seed " << seed << " nodes " << a << " and " << b;
      }
    }
  }
  EXPECT_GT(inner, 100) << "most networks must say something";
}

TEST(Dominators, IgnorePathsFromConstants) {
  GraphBuilder b("constants");
  const ValueId x = b.relu("first", b.input("x", kRow));
  const ValueId scaled = b.binary("Mul", "scaled", x, b.constant("two", Tensor::scalar(2.0F)));
  const ValueId made = b.unary("Neg", "made", b.constant("one", Tensor::scalar(1.0F)));
  const Graph graph = b.finish({b.add("sum", scaled, x), made});
  const Dominators dominators(graph, Uses(graph));
  EXPECT_EQ(dominators.immediate(1), 0) << "the factor is no second path";
  EXPECT_EQ(dominators.immediate(2), kNoNode) << "no path leads to it";
  EXPECT_EQ(dominators.immediate(3), 0);
}

}  // namespace
}  // namespace ompq::graph
