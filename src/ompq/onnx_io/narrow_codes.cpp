#include "ompq/onnx_io/narrow_codes.h"

#include <cstdint>
#include <utility>
#include <vector>

#include "ompq/core/tensor.h"
#include "ompq/onnx_io/tensor_proto.h"
#include "ompq/quant/levels.h"

namespace ompq::onnx_io {
namespace {

using graph::Graph;
using graph::Node;
using graph::ValueId;
using quant::QuantizedTensor;

ValueId add_cast_node(Graph& graph, ValueId from, DataType type) {
  Node node{.name = graph.value(from).name + "_cast", .op_type = "Cast", .inputs = {from}};
  node.attributes["to"] = std::int64_t{data_type_to_onnx(type)};
  const ValueId result = graph.add_op(std::move(node));
  graph.mutable_value(result).type = type;
  graph.mutable_value(result).shape = graph.value(from).shape;
  return result;
}

/// True if the levels of every weight of this kind are in -2^(container - 1) .. 2^(container - 1) -
/// 1; doubled ones, of 1 bit, are -1 and 1.
bool levels_fit(const QuantizedTensor& weight, int container) {
  const bool symmetric = weight.params.symmetry == quant::Symmetry::Symmetric;
  return weight.params.bits.value() < container || symmetric;
}

/// One per channel, in a shape that broadcasts with the weight.
Tensor zero_points_of(const QuantizedTensor& weight) {
  std::vector<std::int64_t> shape(weight.shape.size(), 1);
  const auto count = static_cast<std::int64_t>(weight.params.zero_point.size());
  shape[static_cast<std::size_t>(weight.params.granularity.axis)] = count;
  const std::vector<std::uint8_t> points(weight.params.zero_point.begin(),
                                         weight.params.zero_point.end());
  return Tensor::from(shape, points);
}

/// Makes `levels`, a constant, the result of nodes.
ValueId narrowed(Graph& graph,
                 const IntegerWeight& layer,
                 const QuantizedTensor& weight,
                 int container,
                 NarrowConstants& narrow) {
  const auto add = [&](const char* what, Tensor tensor) {
    const ValueId id = graph.add_constant(layer.weight + what, std::move(tensor));
    narrow.emplace(graph.value(id).name, container);
    return id;
  };
  if (levels_fit(weight, container)) {
    const Tensor levels = *graph.value(layer.levels).constant;
    return add_cast_node(graph, add("_codes", levels), DataType::Int8);
  }
  const ValueId codes = add("_codes", Tensor::from(weight.shape, weight.codes));
  const ValueId zeros = add("_zero_points", zero_points_of(weight));
  Node difference{.name = layer.weight + "_difference",
                  .op_type = "Sub",
                  .inputs = {add_cast_node(graph, codes, DataType::Float32),
                             add_cast_node(graph, zeros, DataType::Float32)}};
  const ValueId real = graph.add_op(std::move(difference));
  graph.mutable_value(real).shape = graph.value(codes).shape;
  return add_cast_node(graph, real, DataType::Int8);
}

}  // namespace

int container_of(const quant::QuantParams& params, int narrowest) {
  if (params.symmetry == quant::Symmetry::Normal) return kMaxBits;
  int container = narrowest;
  while (container < params.bits.value()) container *= 2;
  return container;
}

NarrowConstants narrow_levels(Graph& graph,
                              std::span<const IntegerWeight> layers,
                              const std::map<std::string, QuantizedTensor>& weights,
                              int narrowest) {
  NarrowConstants narrow;
  for (const IntegerWeight& layer : layers) {
    const QuantizedTensor& weight = weights.at(layer.weight);
    const int container = container_of(weight.params, narrowest);
    if (container == kByte) continue;
    const std::vector<graph::NodeId> readers = graph.consumers(layer.levels);
    const ValueId levels = narrowed(graph, layer, weight, container, narrow);
    for (const graph::NodeId reader : readers) graph.mutable_node(reader).inputs[0] = levels;
  }
  if (!narrow.empty()) graph.sort();
  return narrow;
}

}  // namespace ompq::onnx_io
