#include "ompq/distillation/distilled_network.h"

#include <algorithm>
#include <set>
#include <vector>

#include <fmt/format.h>

#include "ompq/core/error.h"
#include "ompq/graph/passes.h"
#include "ompq/runtime/passes.h"
#include "ompq/scores/class_scores.h"

namespace ompq::distillation {
namespace {

using graph::ValueId;

/// The nodes that a value depends on, in the graph's order.
std::vector<graph::NodeId> nodes_before(const graph::Graph& graph, ValueId value) {
  std::set<graph::NodeId> found;
  std::vector<ValueId> open{value};
  while (!open.empty()) {
    const ValueId id = open.back();
    open.pop_back();
    const graph::NodeId maker = id == graph::kNoValue ? graph::kNoNode : graph.producer(id);
    if (maker == graph::kNoNode || !found.insert(maker).second) continue;
    const auto& inputs = graph.node(maker).inputs;
    open.insert(open.end(), inputs.begin(), inputs.end());
  }
  return {found.begin(), found.end()};
}

/// The value that the loss compares: the logits of the classes; else the first output, or the
/// floats that it is computed from.
ValueId judged_output(const graph::Graph& graph) {
  const graph::Graph floats = graph::with_float_outputs(graph);
  return scores::kind_of(floats) == scores::Kind::None ? floats.outputs().front()
                                                       : scores::logits_value(floats);
}

}  // namespace

std::optional<std::string> unsupported_reason(const graph::Graph& graph) {
  if (graph.inputs().size() != 1) {
    return fmt::format("the network has {} inputs; tuning it as a whole supports only one",
                       graph.inputs().size());
  }
  const auto fits = [&](ValueId id) {
    return graph.value(id).type == DataType::Float32 && rounding::has_samples_first(graph, id);
  };
  const ValueId input = graph.inputs().front();
  if (!fits(input)) {
    return fmt::format("the network's input '{}' is not a float", graph.value(input).name);
  }
  const ValueId output = judged_output(graph);
  const bool by_sample = runtime::fixed_batch(graph) ||
                         !graph::fixed_extents(graph.value(output).shape.value()).has_value();
  if (fits(output) && by_sample) return std::nullopt;
  return fmt::format("the network's first output '{}' has no float values per sample",
                     graph.value(graph.outputs().front()).name);
}

rounding::PartGraph distilled_network(const graph::Graph& graph,
                                      std::span<const graph::Block> blocks) {
  if (const auto reason = unsupported_reason(graph)) {
    throw ConfigError(
        "distillation",
        fmt::format("{}; use a method that works block by block, such as gptq", *reason));
  }
  const ValueId output = judged_output(graph);
  const std::vector<graph::NodeId> nodes = nodes_before(graph, output);
  std::vector<ValueId> outputs{output};
  for (const graph::Block& block : blocks) {
    const ValueId feature = block.output;
    const bool inside = std::ranges::find(nodes, graph.producer(feature)) != nodes.end();
    if (inside && std::ranges::find(outputs, feature) == outputs.end() &&
        graph.value(feature).type == DataType::Float32 &&
        rounding::has_samples_first(graph, feature)) {
      outputs.push_back(feature);
    }
  }
  return rounding::extract_part(graph, nodes, graph.inputs(), outputs);
}

}  // namespace ompq::distillation
