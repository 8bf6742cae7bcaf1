#include "ompq/runtime/pass_memory.h"

#include <algorithm>
#include <set>

#include "ompq/core/machine_memory.h"
#include "ompq/core/memory_budget.h"
#include "ompq/graph/passes.h"
#include "ompq/runtime/plan.h"

namespace ompq::runtime {
namespace {

/// As float32, of one sample.
std::int64_t activation_bytes(const graph::Graph& graph, graph::ValueId id) {
  const graph::Value& value = graph.value(id);
  if (!value.shape || value.constant) return 0;
  std::int64_t bytes = 4;
  for (const graph::Dim& dim : *value.shape) bytes *= dim.at(1);
  return bytes;
}

}  // namespace

std::int64_t pass_bytes(const graph::Graph& graph) {
  graph::Graph fused = graph;
  graph::fuse(fused);
  std::set<graph::ValueId> alive(fused.inputs().begin(), fused.inputs().end());
  std::int64_t now = 0;
  for (const graph::ValueId id : alive) now += activation_bytes(fused, id);
  std::int64_t most = now;
  for (const Step& step : make_plan(fused).steps) {
    for (const graph::ValueId id : fused.node(step.node).outputs) {
      if (id != graph::kNoValue && alive.insert(id).second) now += activation_bytes(fused, id);
    }
    most = std::max(most, now);
    for (const graph::ValueId id : step.last_read) {
      if (alive.erase(id) > 0) now -= activation_bytes(fused, id);
    }
  }
  return 2 * most;
}

std::int64_t gradient_pass_bytes(const graph::Graph& graph) {
  std::int64_t all = 0;
  for (const graph::Node& node : graph.nodes()) {
    for (const graph::ValueId id : node.outputs) {
      if (id != graph::kNoValue) all += activation_bytes(graph, id);
    }
  }
  return 2 * all;
}

std::int64_t passes_in_memory(const graph::Graph& graph, std::int64_t wanted) {
  const std::int64_t part = memory_part().value_or(machine_memory() / 2);
  const std::int64_t bytes = std::max<std::int64_t>(pass_bytes(graph), 1);
  return std::clamp<std::int64_t>(part / bytes, 1, std::max<std::int64_t>(wanted, 1));
}

}  // namespace ompq::runtime
