#include "ompq/onnx_io/lower_sequences.h"

#include <numeric>
#include <optional>
#include <string>
#include <vector>

#include "ompq/onnx_io/node_surgery.h"

namespace ompq::onnx_io {
namespace {

using graph::Graph;
using graph::kNoNode;
using graph::kNoValue;
using graph::Node;
using graph::NodeId;
using graph::ValueId;

bool is_onnx(const Node& node, std::string_view type) {
  return node.domain.empty() && node.is(type);
}

/// The node that produces the sequence `id`; nullptr if its type is another.
const Node* maker_of(const Graph& graph, ValueId id, std::string_view type) {
  const NodeId maker = id == kNoValue ? kNoNode : graph.producer(id);
  return maker != kNoNode && is_onnx(graph.node(maker), type) ? &graph.node(maker) : nullptr;
}

std::optional<std::vector<std::int64_t>> constant_integers(const Graph& graph, ValueId id) {
  if (!graph.is_constant(id)) return std::nullopt;
  return graph.value(id).constant->to_int64s();
}

/// The begin and end of a part along the axis.
struct Part {
  std::int64_t begin;
  std::int64_t end;
};

std::optional<Part> part_of(const Graph& graph, const Node& split, std::int64_t place) {
  if (split.input(1) == kNoValue) return Part{place, place + 1};
  const auto sizes = constant_integers(graph, split.input(1));
  if (!sizes) return std::nullopt;
  const auto count = static_cast<std::int64_t>(sizes->size());
  if (graph.value(split.input(1)).constant->rank() == 0) {
    if (place < 0) return std::nullopt;  // the number of parts depends on the extent
    return Part{place * sizes->front(), (place + 1) * sizes->front()};
  }
  if (place < 0) place += count;
  if (place < 0 || place >= count) return std::nullopt;
  const std::int64_t begin =
      std::accumulate(sizes->begin(), sizes->begin() + place, std::int64_t{0});
  return Part{begin, begin + (*sizes)[static_cast<std::size_t>(place)]};
}

/// SequenceAt of a SplitToSequence: one element along the axis, or a slice of it.
bool take_part(Graph& graph, NodeId id, const Node& split, std::int64_t place) {
  const std::int64_t axis = split.int_attribute("axis", 0);
  const ValueId whole = split.input(0);
  const bool single = split.input(1) == kNoValue && split.int_attribute("keepdims", 1) == 0;
  const auto part = part_of(graph, split, place);
  if (!part || (place == -1 && split.input(1) == kNoValue && !single)) return false;
  NodeSurgery surgery(graph, id);
  const auto list = [&](const char* name, std::int64_t value) {
    return surgery.add_constant(name, Tensor::from<std::int64_t>({1}, {value}));
  };
  if (single) {
    const ValueId index = surgery.add_constant("index", Tensor::scalar(place));
    Node& node = surgery.mutable_node();
    node.op_type = "Gather";
    node.inputs = {whole, index};
    node.attributes = {{"axis", axis}};
    return true;
  }
  const std::vector<ValueId> inputs{
      whole, list("begin", part->begin), list("end", part->end), list("axis", axis)};
  Node& node = surgery.mutable_node();
  node.op_type = "Slice";
  node.inputs = inputs;
  node.attributes.clear();
  return true;
}

bool lower_sequence_at(Graph& graph, NodeId id) {
  const Node& node = graph.node(id);
  const auto place = constant_integers(graph, node.input(1));
  if (!place || place->size() != 1) return false;
  if (const Node* split = maker_of(graph, node.input(0), "SplitToSequence")) {
    return take_part(graph, id, Node(*split), place->front());
  }
  const Node* list = maker_of(graph, node.input(0), "SequenceConstruct");
  if (list == nullptr) return false;
  const auto count = static_cast<std::int64_t>(list->inputs.size());
  const std::int64_t at = place->front() < 0 ? place->front() + count : place->front();
  if (at < 0 || at >= count) return false;
  const ValueId taken = list->inputs[static_cast<std::size_t>(at)];
  Node& copy = graph.mutable_node(id);
  copy.op_type = "Identity";
  copy.inputs = {taken};
  return true;
}

bool lower_concat_from_sequence(Graph& graph, NodeId id) {
  const Node old = graph.node(id);
  const Node* list = maker_of(graph, old.input(0), "SequenceConstruct");
  if (list == nullptr) return false;
  std::vector<ValueId> parts = list->inputs;
  const std::int64_t axis = old.int_attribute("axis", 0);
  NodeSurgery surgery(graph, id);
  if (old.int_attribute("new_axis", 0) != 0) {
    constexpr int kAxesAsOperand = 13;
    const std::vector<std::int64_t> axes{axis};
    for (ValueId& part : parts) {
      part = graph.opset < kAxesAsOperand
                 ? surgery.add("axis", "Unsqueeze", {part}, {{"axes", axes}})
                 : surgery.add("axis",
                               "Unsqueeze",
                               {part, surgery.add_constant("axes", Tensor::from({1}, axes))});
    }
  }
  Node& node = surgery.mutable_node();
  node.op_type = "Concat";
  node.inputs = std::move(parts);
  node.attributes = {{"axis", axis}};
  return true;
}

}  // namespace

bool lower_sequences(Graph& graph) {
  bool changed = false;
  const auto count = static_cast<NodeId>(graph.nodes().size());
  for (NodeId id = 0; id < count; ++id) {
    if (is_onnx(graph.node(id), "SequenceAt")) {
      changed = lower_sequence_at(graph, id) || changed;
    } else if (is_onnx(graph.node(id), "ConcatFromSequence")) {
      changed = lower_concat_from_sequence(graph, id) || changed;
    }
  }
  return changed;
}

}  // namespace ompq::onnx_io
