#include "ompq/ops/fold.h"

#include <algorithm>
#include <set>
#include <unordered_map>

#include <fmt/format.h>

#include "ompq/core/error.h"
#include "ompq/ops/aten_bridge.h"
#include "ompq/ops/operator.h"

namespace ompq::ops {
namespace {

using graph::Graph;
using graph::kNoValue;
using graph::Node;
using graph::NodeId;
using graph::ValueId;

/// The nodes that `value` needs, in topological order.
std::vector<NodeId> nodes_before(const Graph& graph, ValueId value) {
  std::set<NodeId> needed;
  std::vector<ValueId> open{value};
  while (!open.empty()) {
    const ValueId id = open.back();
    open.pop_back();
    if (id == kNoValue || graph.is_constant(id)) continue;
    const NodeId maker = graph.producer(id);
    if (maker == graph::kNoNode) {
      throw InternalError(
          "ops", fmt::format("'{}' does not depend on constants alone", graph.value(id).name));
    }
    if (!needed.insert(maker).second) continue;
    const auto& inputs = graph.node(maker).inputs;
    open.insert(open.end(), inputs.begin(), inputs.end());
  }
  return {needed.begin(), needed.end()};
}

std::vector<at::Tensor> run_node(const Graph& graph,
                                 const Node& node,
                                 const std::vector<at::Tensor>& inputs) {
  const Operator* op = find_operator(node.domain, node.op_type);
  if (op == nullptr) {
    throw InternalError("ops", fmt::format("{} node '{}' has no row", node.op_type, node.name));
  }
  try {
    return op->run({node, graph.opset}, inputs);
  } catch (const c10::Error& error) {
    throw ShapeError("ops",
                     fmt::format("{} node '{}' cannot be computed: {}",
                                 node.op_type,
                                 node.name,
                                 error.what_without_backtrace()));
  }
}

}  // namespace

Tensor evaluate_constant(const Graph& graph, ValueId value) {
  if (graph.is_constant(value)) return *graph.value(value).constant;
  const at::NoGradGuard no_grad;
  const std::vector<NodeId> order = nodes_before(graph, value);
  std::unordered_map<ValueId, int> readers{{value, 1}};
  for (const NodeId id : order) {
    for (const ValueId input : graph.node(id).inputs) ++readers[input];
  }
  std::unordered_map<ValueId, at::Tensor> made;
  for (const NodeId id : order) {
    const Node& node = graph.node(id);
    std::vector<at::Tensor> inputs;
    for (const ValueId input : node.inputs) {
      if (input == kNoValue) {
        inputs.emplace_back();
      } else if (graph.is_constant(input)) {
        inputs.push_back(to_aten(*graph.value(input).constant));
      } else {
        inputs.push_back(made.at(input));
      }
      if (--readers[input] == 0) made.erase(input);
    }
    const std::vector<at::Tensor> outputs = run_node(graph, node, inputs);
    for (std::size_t i = 0; i < node.outputs.size() && i < outputs.size(); ++i) {
      if (readers.contains(node.outputs[i])) made[node.outputs[i]] = outputs[i];
    }
  }
  return from_aten(made.at(value), graph.value(value).type);
}

}  // namespace ompq::ops
