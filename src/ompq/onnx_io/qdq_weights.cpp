#include "ompq/onnx_io/qdq_weights.h"

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <vector>

#include <fmt/format.h>

#include "ompq/core/error.h"
#include "ompq/onnx_io/lookups.h"
#include "ompq/quant/levels.h"
#include "ompq/quant/slices.h"

namespace ompq::onnx_io {
namespace {

using graph::ValueId;
using quant::QuantizedTensor;

/// Codes, zero points and scales as stored in the file.
struct Stored {
  Tensor codes;
  Tensor zero_points;
  Tensor scales;
};

/// A weight in a form for DequantizeLinear, which has a single axis: the members and channels of a
/// stack are merged into the first axis.
struct StackLayout {
  QuantizedTensor weight;
  std::vector<std::int64_t>
      extents;                      ///< Reshape after the dequantizer, before `order`; empty: none
  std::vector<std::int64_t> order;  ///< Transpose to the weight's layout; empty: none
};

/// The codes with their axes permuted.
std::vector<std::uint8_t> permuted(const QuantizedTensor& weight,
                                   const std::vector<std::int64_t>& axes) {
  const std::size_t rank = weight.shape.size();
  std::vector<std::size_t> strides(rank, 1);
  for (std::size_t d = rank - 1; d > 0; --d) {
    strides[d - 1] = strides[d] * static_cast<std::size_t>(weight.shape[d]);
  }
  std::vector<std::uint8_t> codes;
  codes.reserve(weight.codes.size());
  std::vector<std::int64_t> at(rank, 0);
  for (std::size_t i = 0; i < weight.codes.size(); ++i) {
    std::size_t from = 0;
    for (std::size_t d = 0; d < rank; ++d) {
      from += static_cast<std::size_t>(at[d]) * strides[static_cast<std::size_t>(axes[d])];
    }
    codes.push_back(weight.codes[from]);
    for (std::size_t d = rank; d-- > 0;) {
      if (++at[d] < weight.shape[static_cast<std::size_t>(axes[d])]) break;
      at[d] = 0;
    }
  }
  return codes;
}

StackLayout layout_of(const QuantizedTensor& weight) {
  const quant::Granularity& granularity = weight.params.granularity;
  if (granularity.stacked == 0) return {weight, {}, {}};
  const auto rank = static_cast<std::int64_t>(weight.shape.size());
  std::vector<std::int64_t> axes(static_cast<std::size_t>(granularity.stacked));
  std::iota(axes.begin(), axes.end(), 0);
  axes.push_back(granularity.axis);
  for (std::int64_t d = granularity.stacked; d < rank; ++d) {
    if (d != granularity.axis) axes.push_back(d);
  }
  StackLayout laid{weight, {}, {}};
  if (!std::ranges::is_sorted(axes)) {
    laid.weight.codes = permuted(weight, axes);
    laid.order.resize(axes.size());
    for (std::size_t d = 0; d < axes.size(); ++d) {
      laid.order[static_cast<std::size_t>(axes[d])] = static_cast<std::int64_t>(d);
    }
  }
  for (const std::int64_t axis : axes) {
    laid.extents.push_back(weight.shape[static_cast<std::size_t>(axis)]);
  }
  const auto after = laid.extents.begin() + granularity.stacked + 1;
  laid.weight.shape = {static_cast<std::int64_t>(weight.params.scale.size())};
  laid.weight.shape.insert(laid.weight.shape.end(), after, laid.extents.end());
  laid.weight.params.granularity = quant::Granularity::along(0);
  return laid;
}

/// Scalar if per tensor, a vector if per axis.
std::vector<std::int64_t> parameter_shape(const QuantizedTensor& weight) {
  if (!weight.params.granularity.per_axis) return {};
  return {static_cast<std::int64_t>(weight.params.scale.size())};
}

/// Codes for levels between integers: odd multiples of half the scale.
Stored odd_numbers(const QuantizedTensor& weight) {
  const int top = weight.params.bits.levels() - 1;
  std::vector<std::int8_t> codes;
  for (const std::uint8_t code : weight.codes) {
    codes.push_back(static_cast<std::int8_t>(2 * code - top));
  }
  std::vector<float> halves = weight.params.scale;
  for (float& scale : halves) scale /= 2;
  const auto shape = parameter_shape(weight);
  return {Tensor::from(weight.shape, codes),
          Tensor::from(shape, std::vector<std::int8_t>(weight.params.scale.size(), 0)),
          Tensor::from(shape, halves)};
}

/// Normal levels are some of those of 8 bits.
Stored integers(const QuantizedTensor& weight) {
  const auto shape = parameter_shape(weight);
  return {Tensor::from(weight.shape, quant::int8_levels(weight)->levels),
          Tensor::from(shape, std::vector<std::int8_t>(weight.params.scale.size(), 0)),
          Tensor::from(shape, weight.params.scale)};
}

/// @param bits  width of the stored type: 8, 4 or 2.
Stored stored(const QuantizedTensor& weight, int bits) {
  if (quant::level_shift(weight.params) > 0.0F) return odd_numbers(weight);
  if (weight.params.symmetry == quant::Symmetry::Normal) return integers(weight);
  const std::int32_t low = -(1 << (bits - 1));
  const auto& zeros = weight.params.zero_point;
  const quant::Slices slices = quant::slices_of(weight.shape, weight.params.granularity);
  std::vector<std::int8_t> centred(weight.codes.size());
  bool fits = true;
  for (std::size_t i = 0; i < centred.size(); ++i) {
    const std::int32_t code =
        weight.codes[i] - zeros[static_cast<std::size_t>(slices.of(static_cast<std::int64_t>(i)))];
    fits = fits && code >= low && code < -low;
    centred[i] = static_cast<std::int8_t>(code);
  }
  const auto shape = parameter_shape(weight);
  Tensor scales = Tensor::from(shape, weight.params.scale);
  if (fits) {
    return {Tensor::from(weight.shape, centred),
            Tensor::from(shape, std::vector<std::int8_t>(weight.params.scale.size(), 0)),
            std::move(scales)};
  }
  std::vector<std::uint8_t> points(zeros.begin(), zeros.end());
  return {Tensor::from(weight.shape, weight.codes), Tensor::from(shape, points), std::move(scales)};
}

/// The last axis is written as -1: ONNX Runtime (1.30) replaces a MatMul after a DequantizeLinear
/// along axis 1 by an operator that rounds the activations to 8 bits.
std::int64_t written_axis(const QuantizedTensor& weight) {
  const std::int64_t axis = weight.params.granularity.axis;
  return axis + 1 == static_cast<std::int64_t>(weight.shape.size()) ? -1 : axis;
}

/// Restores the stack's original layout from the dequantizer's result.
ValueId restored(graph::Graph& graph,
                 const std::string& name,
                 ValueId real,
                 const StackLayout& laid) {
  if (laid.extents.empty()) return real;
  const auto rank = static_cast<std::int64_t>(laid.extents.size());
  const ValueId extents = graph.add_constant(name + "_extents", Tensor::from({rank}, laid.extents));
  ValueId whole =
      graph.add_op({.name = name + "_stack", .op_type = "Reshape", .inputs = {real, extents}});
  graph.mutable_value(whole).shape = graph::fixed_shape(laid.extents);
  if (laid.order.empty()) return whole;
  graph::Node turn{.name = name + "_turn", .op_type = "Transpose", .inputs = {whole}};
  turn.attributes["perm"] = laid.order;
  return graph.add_op(std::move(turn));
}

/// Makes each embedding look up codes and scales and multiply them: the Gather becomes a Mul.
void insert_lookups(graph::Graph& graph, const std::string& name, Stored parts) {
  const std::vector<graph::NodeId> readers = graph.consumers(graph.find_value(name));
  const std::int64_t rows = parts.scales.elements();
  const ValueId codes = graph.add_constant(name + "_codes", std::move(parts.codes));
  const ValueId scale = graph.add_constant(name + "_scale", parts.scales.reshaped({rows, 1}));
  const ValueId unit = graph.add_constant(name + "_unit", Tensor::scalar(1.0F));
  const ValueId zero = graph.add_constant(name + "_zero", Tensor::scalar(std::int8_t{0}));
  for (const graph::NodeId reader : readers) {
    const graph::Node gather = graph.node(reader);
    const auto taken = [&](const std::string& what, ValueId from) {
      return graph.add_op(
          {.name = gather.name + what, .op_type = "Gather", .inputs = {from, gather.inputs[1]}});
    };
    const ValueId own_codes = taken("_codes", codes);
    graph.mutable_value(own_codes).type = DataType::Int8;
    const ValueId real = graph.add_op({.name = gather.name + "_dq",
                                       .op_type = "DequantizeLinear",
                                       .inputs = {own_codes, unit, zero}});
    const ValueId own_scale = taken("_scale", scale);
    graph::Node& product = graph.mutable_node(reader);
    product.op_type = "Mul";
    product.inputs = {real, own_scale};
    product.attributes.clear();
  }
}

/// @param container  width of a stored code: 8, 4 or 2. @return the names of the codes and zero
/// points.
std::vector<std::string> insert_one(graph::Graph& graph,
                                    const std::string& name,
                                    const QuantizedTensor& weight,
                                    int container) {
  const ValueId value = graph.find_value(name);
  if (!graph.is_constant(value)) {
    throw ConfigError(
        "export",
        fmt::format("'{}' is to be written quantized, but is not a constant of the network", name));
  }
  const StackLayout laid = layout_of(weight);
  Stored parts = stored(laid.weight, container);
  // Gather does not support narrow types, and rows with their own zero points are rare.
  const bool plain = container == kByte && parts.codes.type() == DataType::Int8;
  if (plain && only_gathers_read(graph, value)) {
    insert_lookups(graph, name, std::move(parts));
    return {};
  }
  const ValueId codes = graph.add_constant(name + "_codes", std::move(parts.codes));
  const ValueId scale = graph.add_constant(name + "_scale", std::move(parts.scales));
  const ValueId zero = graph.add_constant(name + "_zero", std::move(parts.zero_points));
  graph::Node node{
      .name = name + "_dq", .op_type = "DequantizeLinear", .inputs = {codes, scale, zero}};
  if (weight.params.granularity.per_axis) node.attributes["axis"] = written_axis(laid.weight);
  const std::vector<graph::NodeId> readers = graph.consumers(value);
  const ValueId real = restored(graph, name, graph.add_op(std::move(node)), laid);
  graph.mutable_value(real).shape = graph.value(value).shape;
  for (const graph::NodeId reader : readers) {
    auto& inputs = graph.mutable_node(reader).inputs;
    std::replace(inputs.begin(), inputs.end(), value, real);
  }
  return {graph.value(codes).name, graph.value(zero).name};
}

}  // namespace

NarrowConstants insert_weight_dequantizers(graph::Graph& graph,
                                           const std::map<std::string, QuantizedTensor>& weights,
                                           int narrowest) {
  NarrowConstants narrow;
  for (const auto& [name, weight] : weights) {
    const int container = container_of(weight.params, narrowest);
    const auto constants = insert_one(graph, name, weight, container);
    if (container == kByte) continue;
    for (const std::string& constant : constants) narrow.emplace(constant, container);
  }
  graph.sort();
  return narrow;
}

}  // namespace ompq::onnx_io
