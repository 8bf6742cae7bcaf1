#include <algorithm>
#include <string>
#include <vector>

#include "ompq/graph/operator_traits.h"
#include "ompq/graph/passes.h"
#include "ompq/graph/uses.h"

namespace ompq::graph {
namespace {

bool decodes_constant(const Graph& graph, const Node& node) {
  if (!node.domain.empty() || !node.is("DequantizeLinear") || node.inputs.size() < 2) return false;
  const bool constant = std::ranges::all_of(
      node.inputs, [&](ValueId id) { return id == kNoValue || graph.is_constant(id); });
  if (!constant || graph.value(node.inputs[1]).constant->elements() != 1) return false;
  const DataType type = graph.value(node.inputs[0]).constant->type();
  return type == DataType::UInt8 || type == DataType::Int8;
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
        readers, [&](NodeId reader) { return traits_of(graph.node(reader)).codes_constants; });
    if (readers.empty() || !all) continue;
    graph.mutable_node(id).attributes[std::string(kOperandCodesNote)] = std::int64_t{1};
    ++notes;
  }
  return notes;
}

}  // namespace ompq::graph
