#include "ompq/onnx_io/packed_bias.h"

#include <cmath>
#include <cstring>

#include "ompq/graph/weight_slots.h"

namespace ompq::onnx_io {
namespace {

using graph::Graph;
using graph::kNoValue;
using graph::Node;
using graph::ValueId;

bool holds_floats(const Graph& graph, ValueId id) {
  return graph.is_constant(id) && graph.value(id).constant->type() == DataType::Float32;
}

/// The scalar scale of the quantizer that produces `value`; kNoValue if there is none.
ValueId quantizer_scale(const Graph& graph, ValueId value) {
  ValueId scale = kNoValue;
  for (const char* maker : {"DequantizeLinear", "QuantizeLinear"}) {
    if (value == kNoValue || graph.producer(value) == graph::kNoNode) return kNoValue;
    const Node& node = graph.node(graph.producer(value));
    if (!node.is(maker)) return kNoValue;
    scale = node.input(1);
    value = node.input(0);
  }
  if (!holds_floats(graph, scale) || graph.value(scale).constant->rank() != 0) return kNoValue;
  return scale;
}

bool is_packable(const Graph& graph, const Node& node, const PackedWeight& weight) {
  const auto slots = graph::weight_slots(graph, node);
  if (slots.empty() || slots.front().bias == 0) return false;
  const ValueId bias = node.input(slots.front().bias);
  if (!holds_floats(graph, bias)) return false;
  const auto slices = static_cast<std::int64_t>(weight.scale.size());
  return weight.scale_codes && graph.value(bias).constant->rank() == 1 &&
         graph.value(bias).constant->elements() == slices && !graph.is_output(bias) &&
         graph.consumers(bias).size() == 1;
}

bool same_bits(float a, float b) { return std::memcmp(&a, &b, sizeof a) == 0; }

}  // namespace

std::optional<PackedBias> pack_bias(const Graph& graph,
                                    const Node& node,
                                    const PackedWeight& weight) {
  if (!is_packable(graph, node, weight)) return std::nullopt;
  PackedBias packed{.bias = node.input(2),
                    .weight = graph.value(node.input(1)).name,
                    .activation_scale = quantizer_scale(graph, node.input(0))};
  if (packed.activation_scale == kNoValue) return std::nullopt;
  const float activation_scale =
      graph.value(packed.activation_scale).constant->data<float>().front();
  const Tensor bias = *graph.value(packed.bias).constant;
  const auto values = bias.data<float>();
  std::vector<float> stored;
  for (std::size_t c = 0; c < values.size(); ++c) {
    stored.push_back(std::nearbyint(values[c] / (activation_scale * weight.scale[c])) /
                     kBiasStepUnit);
  }
  const Tensor read_back = Tensor::from(bias.shape(), stored)
                               .converted_to(DataType::Float16)
                               .converted_to(DataType::Float32);
  for (std::size_t c = 0; c < values.size(); ++c) {
    // The same operations, in the same order, as the written graph.
    packed.steps.push_back(read_back.data<float>()[c] * kBiasStepUnit);
    const float product = packed.steps[c] * activation_scale;
    if (!same_bits(product * weight.scale[c], values[c])) return std::nullopt;
  }
  return packed;
}

std::vector<float> short_steps(const Tensor& bias) {
  std::vector<float> stored;
  for (const std::int32_t step : bias.data<std::int32_t>()) {
    stored.push_back(static_cast<float>(step) / kBiasStepUnit);
  }
  const Tensor read_back = Tensor::from(bias.shape(), stored)
                               .converted_to(DataType::Float16)
                               .converted_to(DataType::Float32);
  std::vector<float> steps;
  for (std::size_t c = 0; c < stored.size(); ++c) {
    steps.push_back(read_back.data<float>()[c] * kBiasStepUnit);
    if (static_cast<double>(steps.back()) != bias.data<std::int32_t>()[c]) return {};
  }
  return steps;
}

}  // namespace ompq::onnx_io
