#include <fmt/format.h>

#include "ompq/core/error.h"
#include "ompq/graph/discover_parts.h"

namespace ompq::graph {
namespace {

void require_topological_order(const Graph& graph, const Uses& uses) {
  for (std::size_t i = 0; i < graph.nodes().size(); ++i) {
    for (const ValueId input : graph.nodes()[i].inputs) {
      if (input != kNoValue && uses.producer(input) >= static_cast<NodeId>(i)) {
        throw InternalError("graph",
                            fmt::format("node '{}' comes before the producer of its input; sort "
                                        "the graph before looking for layers",
                                        graph.nodes()[i].name));
      }
    }
  }
}

}  // namespace

bool is_fully_connected(const Layer& layer) { return layer.macs == layer.weight_count; }

std::int64_t parameter_count(const Layer& layer) {
  return layer.weight_count + (layer.norm_count > 0 ? layer.norm_count : layer.bias_count);
}

Discovery discover(const Graph& graph) {
  const Uses uses(graph);
  require_topological_order(graph, uses);
  Scene scene{graph, uses, Dominators(graph, uses), {}, {}, {}};
  Discovery discovery;
  discovery.rejected = discover_layers(scene);
  discovery.ties = discover_ties(scene);
  discovery.blocks = discover_blocks(scene);
  discovery.layers = std::move(scene.layers);
  return discovery;
}

}  // namespace ompq::graph
