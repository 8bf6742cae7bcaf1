#include "ompq/graph/fuse_quantizers.h"

#include <algorithm>
#include <optional>

#include "ompq/graph/uses.h"

namespace ompq::graph {
namespace {

struct CodeRange {
  std::int64_t low = 0;
  std::int64_t high = 0;
};

std::optional<CodeRange> range_of(DataType type) {
  switch (type) {
    case DataType::UInt8:
      return CodeRange{0, 255};
    case DataType::Int8:
      return CodeRange{-128, 127};
    case DataType::UInt16:
      return CodeRange{0, 65535};
    case DataType::Int16:
      return CodeRange{-32768, 32767};
    default:
      return std::nullopt;
  }
}

bool is_plain(const Node& node, std::string_view type) {
  return node.is(type) && node.domain.empty() && node.input(0) != kNoValue &&
         node.int_attribute("block_size", 0) == 0;
}

/// True if `many` repeats the element of `one`.
bool repeats(const Tensor& many, const Tensor& one) {
  if (many.type() != one.type() || one.elements() != 1) return false;
  const auto bytes = many.bytes();
  const auto element = one.bytes();
  for (std::size_t at = 0; at < bytes.size(); at += element.size()) {
    if (!std::equal(
            element.begin(), element.end(), bytes.begin() + static_cast<std::ptrdiff_t>(at))) {
      return false;
    }
  }
  return !bytes.empty();
}

/// True if both are absent, equal constants, or `a` is `b` repeated for each slice.
bool same_constant(const Graph& graph, ValueId a, ValueId b) {
  if (a == b) return a == kNoValue || graph.is_constant(a);
  return graph.is_constant(a) && graph.is_constant(b) &&
         (graph.value(a).constant->equals(*graph.value(b).constant) ||
          repeats(*graph.value(a).constant, *graph.value(b).constant));
}

std::optional<CodeRange> code_range(const Graph& graph, const Node& quantize) {
  if (!graph.is_constant(quantize.input(1))) return std::nullopt;
  const ValueId zero_point = quantize.input(2);
  if (zero_point == kNoValue) return range_of(DataType::UInt8);
  if (!graph.is_constant(zero_point)) return std::nullopt;
  return range_of(graph.value(zero_point).constant->type());
}

bool undoes(const Graph& graph, const Node& dequantize, const Node& quantize) {
  const bool one_scale = graph.value(quantize.inputs[1]).constant->elements() == 1;
  return is_plain(dequantize, "DequantizeLinear") && dequantize.inputs[0] == quantize.outputs[0] &&
         same_constant(graph, dequantize.input(1), quantize.input(1)) &&
         same_constant(graph, dequantize.input(2), quantize.input(2)) &&
         (one_scale || dequantize.int_attribute("axis", 1) == quantize.int_attribute("axis", 1));
}

}  // namespace

int fuse_quantizers(Graph& graph, std::span<const ValueId> keep) {
  Uses uses(graph);
  for (const ValueId id : keep) uses.keep(id);
  std::vector<NodeId> gone;
  int made = 0;
  for (std::size_t i = 0; i < graph.nodes().size(); ++i) {
    const auto id = static_cast<NodeId>(i);
    const Node quantize = graph.node(id);
    if (!is_plain(quantize, "QuantizeLinear") || uses.is_visible(quantize.outputs[0])) continue;
    const std::optional<CodeRange> range = code_range(graph, quantize);
    const std::vector<NodeId>& readers = uses.readers(quantize.outputs[0]);
    const bool undone = std::all_of(readers.begin(), readers.end(), [&](NodeId reader) {
      return undoes(graph, graph.node(reader), quantize);
    });
    if (!range || readers.empty() || !undone) continue;
    for (const NodeId reader : readers) {
      Node& node = graph.mutable_node(reader);
      node.op_type = "FakeQuantize";
      node.domain = "ompq";
      node.inputs = {quantize.inputs[0], quantize.inputs[1], quantize.input(2)};
      node.attributes["axis"] = quantize.int_attribute("axis", 1);
      node.attributes["quant_min"] = range->low;
      node.attributes["quant_max"] = range->high;
      ++made;
    }
    gone.push_back(id);
  }
  graph.erase_nodes(gone);
  return made;
}

}  // namespace ompq::graph
