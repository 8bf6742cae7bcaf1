#include "ompq/ops/fold_constants.h"

#include <algorithm>
#include <optional>
#include <vector>

#include <ATen/core/grad_mode.h>

#include "ompq/core/error.h"
#include "ompq/graph/passes.h"
#include "ompq/ops/aten_bridge.h"
#include "ompq/ops/facts.h"
#include "ompq/ops/fold.h"
#include "ompq/ops/operator.h"

namespace ompq::ops {
namespace {

using graph::Graph;
using graph::kNoValue;
using graph::Node;
using graph::NodeId;
using graph::ValueId;

/// Approximate bytes of a node in a file, without its constants.
constexpr std::int64_t kNodeBytes = 64;

InputFacts facts_of(const Graph& graph, ValueId id) {
  InputFacts facts;
  if (id == kNoValue) return facts;
  const Tensor& constant = *graph.value(id).constant;
  facts.present = true;
  facts.known = true;
  facts.type = constant.type();
  facts.shape = graph::fixed_shape(constant.shape());
  facts.constant = &constant;
  if (is_float(facts.type) || constant.elements() > kMaxKnownElements) return facts;
  facts.elements.emplace();
  for (const std::int64_t number : constant.to_int64s()) {
    facts.elements->push_back(Dim::fixed(number));
  }
  return facts;
}

/// Number of nodes that read each value.
std::vector<std::int64_t> reader_counts(const Graph& graph) {
  std::vector<std::int64_t> counts(graph.values().size(), 0);
  for (const Node& node : graph.nodes()) {
    for (const ValueId input : node.inputs) {
      if (input != kNoValue) ++counts[static_cast<std::size_t>(input)];
    }
  }
  return counts;
}

/// Bytes of the node and its operands, whose bytes are divided among their readers.
std::int64_t bytes_before(const Graph& graph,
                          const Node& node,
                          const std::vector<std::int64_t>& readers) {
  std::int64_t bytes = kNodeBytes;
  for (const ValueId input : node.inputs) {
    if (input == kNoValue) continue;
    bytes += static_cast<std::int64_t>(graph.value(input).constant->bytes().size()) /
             readers[static_cast<std::size_t>(input)];
  }
  return bytes;
}

std::int64_t bytes_after(const OutputList& outputs) {
  std::int64_t bytes = 0;
  for (const OutputFacts& output : outputs) {
    const auto count = graph::element_count(output.shape);
    if (!count || !count->is_fixed()) return INT64_MAX;
    bytes += count->size * static_cast<std::int64_t>(size_of(output.type));
  }
  return bytes;
}

/// Types and shapes of the node's results; nullopt if it cannot be computed.
std::optional<OutputList> outputs_of(const Graph& graph, const Node& node) {
  const Operator* op = find_operator(node.domain, node.op_type);
  if (op == nullptr || (node.domain.empty() && graph.opset < op->since_opset)) return std::nullopt;
  std::vector<InputFacts> facts;
  for (const ValueId input : node.inputs) facts.push_back(facts_of(graph, input));
  for (std::size_t i = 0; i < op->min_inputs; ++i) {
    if (!has(facts, i)) return std::nullopt;
  }
  if (node.outputs.size() > op->max_outputs) return std::nullopt;
  try {
    if (op->check({node, graph.opset}, facts)) return std::nullopt;
    return op->infer({node, graph.opset}, facts);
  } catch (const Error&) {
    return std::nullopt;  // unsupported networks are reported elsewhere
  }
}

bool makes_network_output(const Graph& graph, const Node& node) {
  return std::ranges::any_of(
      node.outputs, [&](ValueId output) { return output != kNoValue && graph.is_output(output); });
}

bool reads_only_constants(const Graph& graph, const Node& node) {
  return std::ranges::all_of(
      node.inputs, [&](ValueId input) { return input == kNoValue || graph.is_constant(input); });
}

/// The node's results; empty if LibTorch fails, or if a sub-network of the node needs more memory
/// than the file may take.
std::vector<at::Tensor> results_of(const Graph& graph, const Node& node) {
  std::vector<at::Tensor> inputs;
  for (const ValueId input : node.inputs) {
    inputs.push_back(input == kNoValue ? at::Tensor() : to_aten(*graph.value(input).constant));
  }
  FoldBudget budget(graph);
  const FoldBudget::Scope scope(budget);
  try {
    return find_operator(node.domain, node.op_type)->run({node, graph.opset}, inputs);
  } catch (const c10::Error&) {
    return {};
  } catch (const ShapeError&) {
    return {};
  }
}

void fold(Graph& graph, NodeId id, const std::vector<std::int64_t>& readers) {
  const Node node = graph.node(id);
  if (node.has_attribute(graph::kOperandCodesNote)) return;
  if (makes_network_output(graph, node) || !reads_only_constants(graph, node)) return;
  const auto outputs = outputs_of(graph, node);
  if (!outputs || outputs->size() < node.outputs.size()) return;
  if (bytes_after(*outputs) > bytes_before(graph, node, readers)) return;
  const std::vector<at::Tensor> results = results_of(graph, node);
  if (results.size() < node.outputs.size()) return;
  for (std::size_t i = 0; i < node.outputs.size(); ++i) {
    if (node.outputs[i] == kNoValue) continue;
    graph::Value& value = graph.mutable_value(node.outputs[i]);
    value.type = (*outputs)[i].type;
    value.shape = (*outputs)[i].shape;
    value.constant = from_aten(results[i], value.type);
  }
  if (is_decoder(node)) {
    const auto constant = [&](std::size_t input) {
      const ValueId operand = node.input(input);
      return operand == kNoValue ? Tensor() : *graph.value(operand).constant;
    };
    graph.mutable_value(node.outputs.front()).levels =
        decoded_levels(node, constant(0), constant(1), constant(2));
  }
  // A constant has no producer.
  std::ranges::fill(graph.mutable_node(id).outputs, kNoValue);
}

}  // namespace

void fold_constants(Graph& graph) {
  const at::NoGradGuard no_grad;
  const std::vector<std::int64_t> readers = reader_counts(graph);
  for (std::size_t i = 0; i < graph.nodes().size(); ++i) {
    fold(graph, static_cast<NodeId>(i), readers);
  }
  graph.erase_dead_nodes();
}

}  // namespace ompq::ops
