#include "ompq/onnx_io/qdq_weights.h"

#include <algorithm>
#include <cstdint>
#include <vector>

#include <fmt/format.h>

#include "ompq/core/error.h"
#include "ompq/quant/levels.h"

namespace ompq::onnx_io {
namespace {

using graph::ValueId;
using quant::QuantizedTensor;

/// Codes, zero points and scales as a file has them.
struct Stored {
  Tensor codes;
  Tensor zero_points;
  Tensor scales;
};

/// Elements after one step along the axis, and steps along it.
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

/// Levels between whole numbers, as odd numbers of half steps.
Stored odd_numbers(const QuantizedTensor& weight, const Slices& slices) {
  const int top = weight.params.bits.levels() - 1;
  std::vector<std::int8_t> codes;
  for (const std::uint8_t code : weight.codes) {
    codes.push_back(static_cast<std::int8_t>(2 * code - top));
  }
  std::vector<float> halves = weight.params.scale;
  for (float& scale : halves) scale /= 2;
  const auto shape = parameter_shape(weight, slices.count);
  return {Tensor::from(weight.shape, codes),
          Tensor::from(shape, std::vector<std::int8_t>(slices.count, 0)),
          Tensor::from(shape, halves)};
}

/// @param bits  of the signed container, 8 or 4.
Stored stored(const QuantizedTensor& weight, const Slices& slices, int bits) {
  if (quant::level_shift(weight.params) > 0.0F) return odd_numbers(weight, slices);
  const std::int32_t low = -(1 << (bits - 1));
  const auto& zeros = weight.params.zero_point;
  std::vector<std::int8_t> centred(weight.codes.size());
  bool fits = true;
  for (std::size_t i = 0; i < centred.size(); ++i) {
    const std::int32_t code = weight.codes[i] - zeros[slices.of(i)];
    fits = fits && code >= low && code < -low;
    centred[i] = static_cast<std::int8_t>(code);
  }
  const auto shape = parameter_shape(weight, slices.count);
  Tensor scales = Tensor::from(shape, weight.params.scale);
  if (fits) {
    return {Tensor::from(weight.shape, centred),
            Tensor::from(shape, std::vector<std::int8_t>(slices.count, 0)),
            std::move(scales)};
  }
  std::vector<std::uint8_t> points(zeros.begin(), zeros.end());
  return {Tensor::from(weight.shape, weight.codes), Tensor::from(shape, points), std::move(scales)};
}

/// The last axis is written as -1. ONNX Runtime (1.30) looks for a DequantizeLinear along axis 1 in
/// front of a MatMul and puts a product in its place that rounds the activations to 8 bits.
std::int64_t written_axis(const QuantizedTensor& weight) {
  const std::int64_t axis = weight.params.granularity.axis;
  return axis + 1 == static_cast<std::int64_t>(weight.shape.size()) ? -1 : axis;
}

/// @param container  bits of a stored code, 8 or 4. @return the constants that hold such codes.
std::set<std::string> insert_one(graph::Graph& graph,
                                 const std::string& name,
                                 const QuantizedTensor& weight,
                                 int container) {
  const ValueId value = graph.find_value(name);
  if (!graph.is_constant(value)) {
    throw ConfigError("export",
                      fmt::format("'{}' is to be written quantized, but is no constant of the "
                                  "network",
                                  name));
  }
  const Slices slices = slices_of(weight);
  Stored parts = stored(weight, slices, container);
  const ValueId codes = graph.add_constant(name + "_codes", std::move(parts.codes));
  const ValueId scale = graph.add_constant(name + "_scale", std::move(parts.scales));
  const ValueId zero = graph.add_constant(name + "_zero", std::move(parts.zero_points));
  graph::Node node{
      .name = name + "_dq", .op_type = "DequantizeLinear", .inputs = {codes, scale, zero}};
  if (weight.params.granularity.per_axis) node.attributes["axis"] = written_axis(weight);
  const std::vector<graph::NodeId> readers = graph.consumers(value);
  const ValueId real = graph.add_op(std::move(node));
  graph.mutable_value(real).shape = graph.value(value).shape;
  for (const graph::NodeId reader : readers) {
    auto& inputs = graph.mutable_node(reader).inputs;
    std::replace(inputs.begin(), inputs.end(), value, real);
  }
  return {graph.value(codes).name, graph.value(zero).name};
}

}  // namespace

std::set<std::string> insert_weight_dequantizers(
    graph::Graph& graph, const std::map<std::string, QuantizedTensor>& weights, bool four_bits) {
  constexpr int kHalfByte = 4;
  std::set<std::string> halves;
  for (const auto& [name, weight] : weights) {
    const bool narrow = four_bits && weight.params.bits.value() <= kHalfByte;
    const auto constants = insert_one(graph, name, weight, narrow ? kHalfByte : 8);
    if (narrow) halves.insert(constants.begin(), constants.end());
  }
  graph.sort();
  return halves;
}

}  // namespace ompq::onnx_io
