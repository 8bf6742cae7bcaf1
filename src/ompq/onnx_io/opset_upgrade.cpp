#include "ompq/onnx_io/opset_upgrade.h"

#include <memory>
#include <optional>
#include <variant>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "ompq/core/error.h"
#include "ompq/graph/operator_traits.h"
#include "ompq/graph/opset_moves.h"

namespace ompq::onnx_io {
namespace {

using graph::Graph;
using graph::Node;
using graph::NodeId;
using graph::Refusal;

/// Converts the sub-networks of an If, a Loop or a Scan.
Refusal upgrade_sub_networks(Graph& graph, NodeId id, int from, int to) {
  for (auto& [name, attribute] : graph.mutable_node(id).attributes) {
    auto* inside = std::get_if<graph::SubGraph>(&attribute);
    if (inside == nullptr) continue;
    Graph renewed = **inside;
    const auto count = static_cast<NodeId>(renewed.nodes().size());
    for (NodeId inner = 0; inner < count; ++inner) {
      const Refusal refusal = upgrade_node(renewed, inner, from, to);
      if (!refusal) continue;
      const Node& node = renewed.node(inner);
      return fmt::format("in its '{}', {} node '{}': {}", name, node.op_type, node.name, *refusal);
    }
    renewed.opset = to;
    renewed.sort();
    *inside = std::make_shared<const Graph>(std::move(renewed));
  }
  return {};
}

}  // namespace

std::optional<std::string> upgrade_node(Graph& graph, NodeId id, int from, int to) {
  if (!graph.node(id).domain.empty()) return {};
  for (const graph::OpsetMove& move : graph::traits_of(graph.node(id)).moves) {
    if (from >= move.changed_in || move.changed_in > to) continue;
    if (Refusal refusal = move.upgrade(graph, id)) return refusal;
  }
  return upgrade_sub_networks(graph, id, from, to);
}

Graph upgraded(const Graph& graph, int opset) {
  Graph result = graph;
  if (graph.opset >= opset) return result;
  std::vector<std::string> refused;
  const auto count = static_cast<NodeId>(graph.nodes().size());
  for (NodeId id = 0; id < count; ++id) {
    const Refusal why = upgrade_node(result, id, graph.opset, opset);
    const Node& node = result.node(id);
    if (why) refused.push_back(fmt::format("{} node '{}': {}", node.op_type, node.name, *why));
  }
  if (!refused.empty()) {
    throw UnsupportedOp("export",
                        fmt::format("the network has opset {} and no form in opset {}: {}",
                                    graph.opset,
                                    opset,
                                    fmt::join(refused, "; ")));
  }
  result.opset = opset;
  result.sort();
  return result;
}

}  // namespace ompq::onnx_io
