#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "ompq/graph/passes.h"
#include "ompq/graph/uses.h"

namespace ompq::graph {
namespace {

/// Operators with an integer kernel that reads constants.
constexpr std::array<std::string_view, 3> kCodedOperators{"Add", "Mul", "Concat"};

bool decodes_constant(const Graph& graph, const Node& node) {
  if (!node.domain.empty() || !node.is("DequantizeLinear") || node.inputs.size() < 2) return false;
  const bool constant = std::ranges::all_of(
      node.inputs, [&](ValueId id) { return id == kNoValue || graph.is_constant(id); });
  if (!constant || graph.value(node.inputs[1]).constant->elements() != 1) return false;
  const DataType type = graph.value(node.inputs[0]).constant->type();
  return type == DataType::UInt8 || type == DataType::Int8;
}

bool is_coded_operator(const Node& node) {
  return node.domain.empty() && std::ranges::count(kCodedOperators, node.op_type) > 0;
}

}  // namespace

int note_operand_codes(Graph& graph) {
  const Uses uses(graph);
  int notes = 0;
  for (std::size_t n = 0; n < graph.nodes().size(); ++n) {
    const auto id = static_cast<NodeId>(n);
    const Node& node = graph.node(id);
    if (!decodes_constant(graph, node) || graph.is_output(node.outputs.front())) continue;
    const std::vector<NodeId>& readers = uses.readers(node.outputs.front());
    const bool all = std::ranges::all_of(
        readers, [&](NodeId reader) { return is_coded_operator(graph.node(reader)); });
    if (readers.empty() || !all) continue;
    graph.mutable_node(id).attributes[std::string(kOperandCodesNote)] = std::int64_t{1};
    ++notes;
  }
  return notes;
}

}  // namespace ompq::graph
