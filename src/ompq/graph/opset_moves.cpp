#include "ompq/graph/opset_moves.h"

#include <algorithm>
#include <cstdint>
#include <variant>
#include <vector>

#include "ompq/core/tensor.h"

namespace ompq::graph {
namespace {

void set_input(Graph& graph, NodeId id, std::size_t place, ValueId value) {
  auto& inputs = graph.mutable_node(id).inputs;
  if (inputs.size() <= place) inputs.resize(place + 1, kNoValue);
  inputs[place] = value;
}

ValueId add_constant(Graph& graph, NodeId id, const std::string& what, Tensor tensor) {
  return graph.add_constant(graph.node(id).name + "_" + what, std::move(tensor));
}

/// Turns an integer-list attribute into operand `place`; does nothing if it is absent.
void ints_to_input(Graph& graph, NodeId id, const std::string& attribute, std::size_t place) {
  if (!graph.node(id).has_attribute(attribute)) return;
  const auto values = graph.node(id).ints_attribute(attribute, {});
  const auto count = static_cast<std::int64_t>(values.size());
  set_input(graph, id, place, add_constant(graph, id, attribute, Tensor::from({count}, values)));
  graph.mutable_node(id).attributes.erase(attribute);
}

void float_to_input(Graph& graph, NodeId id, const std::string& attribute, std::size_t place) {
  if (!graph.node(id).has_attribute(attribute)) return;
  const float value = graph.node(id).float_attribute(attribute, 0);
  set_input(graph, id, place, add_constant(graph, id, attribute, Tensor::scalar(value)));
  graph.mutable_node(id).attributes.erase(attribute);
}

/// Repeats each element of a vector `times` times.
Tensor repeated(const Tensor& vector, std::int64_t times) {
  const std::vector<float> values = vector.to_floats();
  std::vector<float> result;
  for (const float value : values) {
    result.insert(result.end(), static_cast<std::size_t>(times), value);
  }
  const auto count = static_cast<std::int64_t>(result.size());
  return Tensor::from({count}, result);
}

}  // namespace

Refusal upgrade_axes(Graph& graph, NodeId id) {
  ints_to_input(graph, id, "axes", 1);
  return {};
}

Refusal upgrade_split(Graph& graph, NodeId id) {
  ints_to_input(graph, id, "split", 1);
  return {};
}

Refusal upgrade_even_split(Graph& graph, NodeId id) {
  Node& node = graph.mutable_node(id);
  if (node.input(1) != kNoValue || node.has_attribute("num_outputs")) return {};
  node.attributes["num_outputs"] = static_cast<std::int64_t>(node.outputs.size());
  return {};
}

Refusal upgrade_average_pool(Graph& graph, NodeId id) {
  const Node& node = graph.node(id);
  const bool past_the_edge = node.int_attribute("ceil_mode", 0) != 0;
  if (!past_the_edge || node.int_attribute("count_include_pad", 0) == 0) return {};
  return "its windows extend past the padding and count it, which opset 19 does differently";
}

Refusal upgrade_group_norm(Graph& graph, NodeId id) {
  const Node node = graph.node(id);
  const auto& shape = graph.value(node.input(0)).shape;
  const std::int64_t groups = node.int_attribute("num_groups", 1);
  const bool known = shape && shape->size() > 1 && (*shape)[1].is_fixed() &&
                     graph.is_constant(node.input(1)) && graph.is_constant(node.input(2));
  if (!known) return "its scale, bias or channels are only known at run time";
  const std::int64_t channels = (*shape)[1].size / groups;
  for (const std::size_t place : {std::size_t{1}, std::size_t{2}}) {
    const Tensor& old = *graph.value(node.input(place)).constant;
    if (old.elements() != groups) continue;
    const std::string what = place == 1 ? "scale" : "bias";
    set_input(graph, id, place, add_constant(graph, id, what, repeated(old, channels)));
  }
  return {};
}

Refusal upgrade_clip(Graph& graph, NodeId id) {
  float_to_input(graph, id, "min", 1);
  float_to_input(graph, id, "max", 2);
  return {};
}

Refusal upgrade_pad(Graph& graph, NodeId id) {
  ints_to_input(graph, id, "pads", 1);
  float_to_input(graph, id, "value", 2);
  return {};
}

Refusal upgrade_slice(Graph& graph, NodeId id) {
  ints_to_input(graph, id, "starts", 1);
  ints_to_input(graph, id, "ends", 2);
  ints_to_input(graph, id, "axes", 3);
  return {};
}

Refusal upgrade_top_k(Graph& graph, NodeId id) {
  if (!graph.node(id).has_attribute("k")) return {};
  const std::int64_t k = graph.node(id).int_attribute("k", 0);
  set_input(graph, id, 1, add_constant(graph, id, "k", Tensor::from<std::int64_t>({1}, {k})));
  graph.mutable_node(id).attributes.erase("k");
  return {};
}

Refusal upgrade_dropout(Graph& graph, NodeId id) {
  graph.mutable_node(id).attributes.erase("ratio");
  return {};
}

Refusal upgrade_batch_norm(Graph& graph, NodeId id) {
  if (graph.node(id).int_attribute("spatial", 1) != 1) {
    return "it normalizes every position by itself (spatial = 0), which newer opsets lack";
  }
  graph.mutable_node(id).attributes.erase("spatial");
  return {};
}

Refusal upgrade_scatter(Graph& graph, NodeId id) {
  graph.mutable_node(id).op_type = "ScatterElements";
  return {};
}

Refusal upgrade_softmax(Graph& graph, NodeId id) {
  const Node old = graph.node(id);
  const std::int64_t axis = old.int_attribute("axis", 1);
  const ValueId input = old.input(0);
  const auto& shape = graph.value(input).shape;
  const bool last = axis == -1 || (shape && axis == static_cast<std::int64_t>(shape->size()) - 1);
  graph.mutable_node(id).attributes["axis"] = std::int64_t{-1};
  if (last) return {};
  const ValueId extents = graph.add_op({old.name + "_shape", "Shape", "", {input}, {}, {}});
  const ValueId flat =
      graph.add_op({old.name + "_flat", "Flatten", "", {input}, {}, {{"axis", axis}}});
  const ValueId soft = graph.add_value({});
  graph.mutable_node(id).inputs = {flat};
  graph.mutable_node(id).outputs = {soft};
  graph.add_node({old.name + "_unflat", "Reshape", "", {soft, extents}, old.outputs, {}});
  return {};
}

Refusal upgrade_grid_sample(Graph& graph, NodeId id) {
  auto& attributes = graph.mutable_node(id).attributes;
  const auto mode = attributes.find("mode");
  if (mode == attributes.end()) return {};
  const std::string name = graph.node(id).string_attribute("mode", "");
  if (name == "bilinear") mode->second = std::string("linear");
  if (name == "bicubic") mode->second = std::string("cubic");
  return {};
}

Refusal upgrade_resize(Graph& graph, NodeId id) {
  const Node old = graph.node(id);
  if (old.inputs.size() > 2 || old.has_attribute("coordinate_transformation_mode")) return {};
  ValueId scales = old.input(1);
  if (old.has_attribute("scales")) {
    const auto& values = std::get<std::vector<float>>(old.attributes.at("scales"));
    const auto count = static_cast<std::int64_t>(values.size());
    scales = add_constant(graph, id, "scales", Tensor::from({count}, values));
  }
  const std::string mode = old.string_attribute("mode", "nearest");
  bool shrinks = false;
  bool grows = true;
  if (graph.is_constant(scales)) {
    const auto factors = graph.value(scales).constant->to_floats();
    shrinks = std::any_of(factors.begin(), factors.end(), [](float f) { return f < 1; });
    grows = std::any_of(factors.begin(), factors.end(), [](float f) { return f > 1; });
  } else if (old.is("Resize") && mode == "nearest") {
    return "it takes the nearest neighbour with factors that are only known at run time";
  }
  if (shrinks && grows && mode == "nearest") {
    return "it shrinks one axis and enlarges another by the nearest neighbour";
  }
  Node& node = graph.mutable_node(id);
  node.op_type = "Resize";
  node.inputs = {old.input(0), kNoValue, scales};
  node.attributes = {{"mode", mode}, {"coordinate_transformation_mode", std::string("asymmetric")}};
  if (mode == "nearest") {
    node.attributes["nearest_mode"] = std::string(shrinks ? "ceil" : "floor");
  }
  return {};
}

}  // namespace ompq::graph
