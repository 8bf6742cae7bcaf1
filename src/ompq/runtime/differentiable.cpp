#include "ompq/runtime/differentiable.h"

#include <algorithm>

#include <fmt/format.h>

#include "ompq/core/error.h"
#include "ompq/ops/aten_bridge.h"
#include "ompq/ops/operator.h"

namespace ompq::runtime {
namespace {

using graph::NodeId;
using graph::ValueId;

const ops::Operator& operator_of(const graph::Node& node) {
  const ops::Operator* op = ops::find_operator(node.domain, node.op_type);
  if (op == nullptr) {
    throw UnsupportedOp(
        "runtime",
        fmt::format("node '{}' is a {}, which is not supported", node.name, node.op_type));
  }
  return *op;
}

/// Number of `nodes` that read each value; a wanted value has an additional count, so that it is
/// kept.
std::unordered_map<ValueId, int> count_readers(const graph::Graph& graph,
                                               std::span<const NodeId> nodes,
                                               std::span<const ValueId> wanted) {
  std::unordered_map<ValueId, int> readers;
  for (const ValueId value : wanted) ++readers[value];
  for (const NodeId node : nodes) {
    for (const ValueId input : graph.node(node).inputs) ++readers[input];
  }
  return readers;
}

}  // namespace

DifferentiableGraph::DifferentiableGraph(const graph::Graph& graph) : graph_(graph) {
  for (const graph::Node& node : graph_.nodes()) {
    (void)operator_of(node);
    for (const ValueId input : node.inputs) {
      if (!graph_.is_constant(input) || constants_.contains(input)) continue;
      constants_.emplace(input, ops::to_aten(*graph_.value(input).constant));
    }
  }
}

std::vector<NodeId> DifferentiableGraph::nodes_between(const Bindings& bound,
                                                       std::span<const ValueId> wanted) const {
  std::vector<bool> needed(graph_.nodes().size(), false);
  std::vector<ValueId> open(wanted.begin(), wanted.end());
  while (!open.empty()) {
    const ValueId value = open.back();
    open.pop_back();
    if (value == graph::kNoValue || bound.contains(value) || graph_.is_constant(value)) continue;
    const NodeId maker = graph_.producer(value);
    if (maker == graph::kNoNode) {
      throw ConfigError(
          "runtime",
          fmt::format("'{}' is needed, but no tensor is bound to it; bind it or a value after it",
                      graph_.value(value).name));
    }
    if (needed[static_cast<std::size_t>(maker)]) continue;
    needed[static_cast<std::size_t>(maker)] = true;
    const auto& inputs = graph_.node(maker).inputs;
    open.insert(open.end(), inputs.begin(), inputs.end());
  }
  std::vector<NodeId> nodes;  // the graph's order is topological
  for (std::size_t i = 0; i < needed.size(); ++i) {
    if (needed[i]) nodes.push_back(static_cast<NodeId>(i));
  }
  return nodes;
}

std::vector<at::Tensor> DifferentiableGraph::evaluate(const Bindings& bound,
                                                      std::span<const ValueId> wanted) const {
  const std::vector<NodeId> nodes = nodes_between(bound, wanted);
  auto readers = count_readers(graph_, nodes, wanted);
  Bindings made;
  const auto find = [&](ValueId value) {
    for (const Bindings* table : {&bound, static_cast<const Bindings*>(&made), &constants_}) {
      if (const auto found = table->find(value); found != table->end()) return found->second;
    }
    return at::Tensor();
  };
  for (const NodeId id : nodes) {
    const graph::Node& node = graph_.node(id);
    std::vector<at::Tensor> inputs;
    for (const ValueId input : node.inputs) inputs.push_back(find(input));
    std::vector<at::Tensor> outputs = operator_of(node).run({node, graph_.opset}, inputs);
    for (std::size_t i = 0; i < node.outputs.size(); ++i) {
      const ValueId output = node.outputs[i];
      if (readers.contains(output) && !bound.contains(output)) made[output] = outputs[i];
    }
    for (const ValueId input : node.inputs) {
      if (--readers[input] == 0) made.erase(input);
    }
  }
  std::vector<at::Tensor> results;
  for (const ValueId value : wanted) {
    const bool constant = graph_.is_constant(value) && !bound.contains(value);
    results.push_back(constant ? ops::to_aten(*graph_.value(value).constant) : find(value));
  }
  return results;
}

}  // namespace ompq::runtime
