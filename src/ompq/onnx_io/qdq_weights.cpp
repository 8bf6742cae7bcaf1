#include "ompq/onnx_io/qdq_weights.h"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <vector>

#include <fmt/format.h>

#include "ompq/core/error.h"

namespace ompq::onnx_io {
namespace {

using graph::ValueId;
using quant::QuantizedTensor;

/// Codes and zero points as a file has them.
struct Stored {
  Tensor codes;
  Tensor zero_points;
};

/// Elements behind one step along the axis, and steps along it.
struct Slices {
  std::size_t inner = 1;
  std::size_t count = 1;
  [[nodiscard]] std::size_t of(std::size_t element) const { return element / inner % count; }
};

Slices slices_of(const QuantizedTensor& weight) {
  Slices slices;
  if (!weight.params.granularity.per_axis) return slices;
  const auto axis = static_cast<std::size_t>(weight.params.granularity.axis);
  slices.count = static_cast<std::size_t>(weight.shape.at(axis));
  for (std::size_t d = axis + 1; d < weight.shape.size(); ++d) {
    slices.inner *= static_cast<std::size_t>(weight.shape[d]);
  }
  return slices;
}

/// A scalar for one slice of a whole tensor, a row otherwise.
std::vector<std::int64_t> parameter_shape(const QuantizedTensor& weight, std::size_t slices) {
  if (!weight.params.granularity.per_axis) return {};
  return {static_cast<std::int64_t>(slices)};
}

Stored stored(const QuantizedTensor& weight, const Slices& slices) {
  const auto& zeros = weight.params.zero_point;
  std::vector<std::int8_t> centred(weight.codes.size());
  bool fits = true;
  for (std::size_t i = 0; i < centred.size(); ++i) {
    const std::int32_t code = weight.codes[i] - zeros[slices.of(i)];
    fits = fits && code >= std::numeric_limits<std::int8_t>::min() &&
           code <= std::numeric_limits<std::int8_t>::max();
    centred[i] = static_cast<std::int8_t>(code);
  }
  const auto shape = parameter_shape(weight, slices.count);
  if (fits) {
    return {Tensor::from(weight.shape, centred),
            Tensor::from(shape, std::vector<std::int8_t>(slices.count, 0))};
  }
  std::vector<std::uint8_t> points(zeros.begin(), zeros.end());
  return {Tensor::from(weight.shape, weight.codes), Tensor::from(shape, points)};
}

void insert_one(graph::Graph& graph, const std::string& name, const QuantizedTensor& weight) {
  const ValueId value = graph.find_value(name);
  if (!graph.is_constant(value)) {
    throw ConfigError("export",
                      fmt::format("'{}' is to be written quantized, but is no constant of the "
                                  "network",
                                  name));
  }
  const Slices slices = slices_of(weight);
  Stored parts = stored(weight, slices);
  const auto shape = parameter_shape(weight, slices.count);
  const ValueId codes = graph.add_constant(name + "_codes", std::move(parts.codes));
  const ValueId scale =
      graph.add_constant(name + "_scale", Tensor::from(shape, weight.params.scale));
  const ValueId zero = graph.add_constant(name + "_zero", std::move(parts.zero_points));
  graph::Node node{
      .name = name + "_dq", .op_type = "DequantizeLinear", .inputs = {codes, scale, zero}};
  if (weight.params.granularity.per_axis) node.attributes["axis"] = weight.params.granularity.axis;
  const std::vector<graph::NodeId> readers = graph.consumers(value);
  const ValueId real = graph.add_op(std::move(node));
  graph.mutable_value(real).shape = graph.value(value).shape;
  for (const graph::NodeId reader : readers) {
    auto& inputs = graph.mutable_node(reader).inputs;
    std::replace(inputs.begin(), inputs.end(), value, real);
  }
}

}  // namespace

void insert_weight_dequantizers(graph::Graph& graph,
                                const std::map<std::string, QuantizedTensor>& weights) {
  for (const auto& [name, weight] : weights) insert_one(graph, name, weight);
  graph.sort();
}

}  // namespace ompq::onnx_io
