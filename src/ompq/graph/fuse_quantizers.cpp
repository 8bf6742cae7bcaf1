#include "ompq/graph/fuse_quantizers.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "ompq/graph/operator_traits.h"
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

/// Narrows the range to the constant bounds of a Clip of codes; false if it is no such Clip.
bool narrow(const Graph& graph, const Node& clip, ValueId codes, CodeRange& range) {
  if (!is_plain(clip, "Clip") || clip.inputs.front() != codes) return false;
  const auto bound = [&](std::size_t input, std::int64_t fallback) -> std::optional<std::int64_t> {
    const ValueId id = clip.input(input);
    if (id == kNoValue) return fallback;
    if (!graph.is_constant(id) || graph.value(id).constant->elements() != 1) return std::nullopt;
    return static_cast<std::int64_t>(graph.value(id).constant->to_floats().front());
  };
  const auto low = bound(1, range.low);
  const auto high = bound(2, range.high);
  if (!low || !high || *low > *high) return false;
  range = {std::max(range.low, *low), std::min(range.high, *high)};
  return true;
}

/// True if the quantizer performs the bounds itself.
bool performs_bounds(const Graph& graph,
                     const Node& quantize,
                     CodeRange range,
                     const Bounds& bounds) {
  const float scale = graph.value(quantize.inputs[1]).constant->to_floats().front();
  const ValueId zero_point = quantize.input(2);
  const float zero =
      zero_point == kNoValue ? 0.0F : graph.value(zero_point).constant->to_floats().front();
  return performs(
      scale, static_cast<float>(range.low) - zero, static_cast<float>(range.high) - zero, bounds);
}

/// `codes` are the quantizer's, or those that a Clip after it leaves.
bool undoes(const Graph& graph, const Node& dequantize, const Node& quantize, ValueId codes) {
  const bool one_scale = graph.value(quantize.inputs[1]).constant->elements() == 1;
  return is_plain(dequantize, "DequantizeLinear") && dequantize.inputs[0] == codes &&
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
    std::optional<CodeRange> range = code_range(graph, quantize);
    if (!range) continue;
    ValueId codes = quantize.outputs[0];
    const NodeId clip = uses.sole_reader(codes);
    const bool clips = clip != kNoNode && narrow(graph, graph.node(clip), codes, *range);
    if (clips) codes = graph.node(clip).outputs.front();
    if (uses.is_visible(codes)) continue;
    const std::vector<NodeId>& readers = uses.readers(codes);
    const bool undone = std::all_of(readers.begin(), readers.end(), [&](NodeId reader) {
      return undoes(graph, graph.node(reader), quantize, codes);
    });
    if (readers.empty() || !undone) continue;
    if (clips) gone.push_back(clip);
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

int drop_bounds_before_quantizers(Graph& graph) {
  const Uses uses(graph);
  std::vector<std::pair<NodeId, ValueId>> sources;
  for (std::size_t i = 0; i < graph.nodes().size(); ++i) {
    const auto id = static_cast<NodeId>(i);
    const Node& quantize = graph.node(id);
    if (!is_plain(quantize, "QuantizeLinear")) continue;
    std::optional<CodeRange> range = code_range(graph, quantize);
    if (!range || graph.value(quantize.inputs[1]).constant->elements() != 1) continue;
    const ValueId codes = quantize.outputs.front();
    const NodeId clip = uses.sole_reader(codes);
    if (clip != kNoNode) (void)narrow(graph, graph.node(clip), codes, *range);
    ValueId source = quantize.inputs.front();
    while (uses.producer(source) != kNoNode) {
      const Node& node = graph.node(uses.producer(source));
      const auto bounds = bounds_of(graph, node);
      if (!bounds || !performs_bounds(graph, quantize, *range, *bounds)) break;
      source = node.inputs.front();
    }
    if (source != quantize.inputs.front()) sources.emplace_back(id, source);
  }
  for (const auto& [id, source] : sources) graph.mutable_node(id).inputs.front() = source;
  if (!sources.empty()) graph.erase_dead_nodes();
  return static_cast<int>(sources.size());
}

}  // namespace ompq::graph
