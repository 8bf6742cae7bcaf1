#include "ompq/runtime/plan.h"

#include <algorithm>

namespace ompq::runtime {

using graph::ValueId;

ExecutionPlan make_plan(const graph::Graph& graph) {
  ExecutionPlan plan;
  plan.steps.resize(graph.nodes().size());
  std::vector<bool> read_later(graph.values().size(), false);
  for (const ValueId output : graph.outputs()) read_later[static_cast<std::size_t>(output)] = true;
  for (std::size_t index = plan.steps.size(); index-- > 0;) {
    Step& step = plan.steps[index];
    step.node = static_cast<graph::NodeId>(index);
    const graph::Node& node = graph.node(step.node);
    const auto visit = [&](ValueId value) {
      if (value == graph::kNoValue || graph.is_constant(value)) return;
      if (read_later[static_cast<std::size_t>(value)]) return;
      read_later[static_cast<std::size_t>(value)] = true;
      step.last_read.push_back(value);
    };
    std::for_each(node.outputs.begin(), node.outputs.end(), visit);
    std::for_each(node.inputs.begin(), node.inputs.end(), visit);
  }
  return plan;
}

std::size_t ExecutionPlan::first_reader(const graph::Graph& graph, ValueId value) const {
  const auto reads = [&](const Step& step) {
    const auto& inputs = graph.node(step.node).inputs;
    return std::find(inputs.begin(), inputs.end(), value) != inputs.end();
  };
  return static_cast<std::size_t>(std::find_if(steps.begin(), steps.end(), reads) - steps.begin());
}

}  // namespace ompq::runtime
