#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "ompq/ops/aten_bridge.h"
#include "ompq/ops/facts.h"
#include "ompq/ops/families/families.h"
#include "ompq/ops/run.h"

namespace ompq::ops {
namespace {

using Extents = std::vector<std::int64_t>;

// --- Cast -----------------------------------------------------------------------------------

/// ONNX's number of an element type, without unsigned integers above 8 bits, which LibTorch lacks.
std::optional<DataType> type_of_number(std::int64_t number) {
  switch (number) {
    case 1:
      return DataType::Float32;
    case 2:
      return DataType::UInt8;
    case 3:
      return DataType::Int8;
    case 5:
      return DataType::Int16;
    case 6:
      return DataType::Int32;
    case 7:
      return DataType::Int64;
    case 9:
      return DataType::Bool;
    case 10:
      return DataType::Float16;
    case 11:
      return DataType::Float64;
    case 16:
      return DataType::BFloat16;
    default:
      return std::nullopt;
  }
}

UnsupportedReason check_cast(const OpContext& context, Facts) {
  const std::int64_t number = context.node.int_attribute("to", 0);
  if (type_of_number(number)) return std::nullopt;
  return fmt::format("casts to ONNX type {}, which is not supported", number);
}

Elements cast_elements(const InputFacts& from, DataType to) {
  if (!from.elements || is_float(to)) return std::nullopt;
  std::vector<Dim> elements = *from.elements;
  if (to == DataType::Bool) {
    for (Dim& element : elements) element = Dim::fixed(element.size != 0 ? 1 : 0);
  }
  return elements;
}

OutputList infer_cast(const OpContext& context, Facts inputs) {
  const DataType to = *type_of_number(context.node.int_attribute("to", 0));
  return {output(to, inputs[0].shape, cast_elements(inputs[0], to))};
}

Outputs run_cast(const OpContext& context, Inputs inputs) {
  const DataType to = *type_of_number(context.node.int_attribute("to", 0));
  return {inputs[0].to(scalar_type_of(to))};
}

OutputList infer_cast_like(const OpContext&, Facts inputs) {
  const DataType to = inputs[1].type;
  return {output(to, inputs[0].shape, cast_elements(inputs[0], to))};
}

Outputs run_cast_like(const OpContext&, Inputs inputs) {
  return {inputs[0].to(inputs[1].scalar_type())};
}

// --- Shape, Size
// ----------------------------------------------------------------------------------

/// The axes that Shape returns, [first, last).
std::pair<std::int64_t, std::int64_t> told_axes(const OpContext& context, std::int64_t rank) {
  const auto clamped = [&](std::int64_t axis) {
    return std::clamp<std::int64_t>(axis < 0 ? axis + rank : axis, 0, rank);
  };
  const std::int64_t first = clamped(context.node.int_attribute("start", 0));
  const std::int64_t last = clamped(context.node.int_attribute("end", rank));
  return {first, std::max(first, last)};
}

OutputList infer_shape(const OpContext& context, Facts inputs) {
  const Shape& shape = inputs[0].shape;
  const auto [first, last] = told_axes(context, rank_of(inputs[0]));
  std::vector<Dim> extents(shape.begin() + first, shape.begin() + last);
  return {output(DataType::Int64, {Dim::fixed(last - first)}, std::move(extents))};
}

Outputs run_shape(const OpContext& context, Inputs inputs) {
  const auto [first, last] = told_axes(context, inputs[0].dim());
  const auto extents = inputs[0].sizes().slice(static_cast<std::size_t>(first),
                                               static_cast<std::size_t>(last - first));
  return {at::tensor(extents, at::kLong)};
}

OutputList infer_size(const OpContext&, Facts inputs) {
  const MaybeDim count = product(inputs[0].shape);
  return {output(DataType::Int64, {}, count ? Elements({*count}) : std::nullopt)};
}

Outputs run_size(const OpContext&, Inputs inputs) {
  return {at::scalar_tensor(inputs[0].numel(), at::kLong)};
}

// --- Constant, ConstantOfShape, Range
// -------------------------------------------------------------

std::optional<Tensor> constant_value(const graph::Node& node) {
  const auto find = [&](std::string_view name) -> const graph::Attribute* {
    const auto found = node.attributes.find(std::string(name));
    return found == node.attributes.end() ? nullptr : &found->second;
  };
  if (const auto* value = find("value")) {
    const auto* tensor = std::get_if<Tensor>(value);
    return tensor != nullptr ? std::optional(*tensor) : std::nullopt;
  }
  if (find("value_float") != nullptr) return Tensor::scalar(node.float_attribute("value_float", 0));
  if (find("value_int") != nullptr) return Tensor::scalar(node.int_attribute("value_int", 0));
  if (find("value_ints") != nullptr) {
    const Extents values = node.ints_attribute("value_ints", {});
    return Tensor::from<std::int64_t>({static_cast<std::int64_t>(values.size())}, values);
  }
  if (const auto* value = find("value_floats")) {
    const auto* values = std::get_if<std::vector<float>>(value);
    if (values == nullptr) return std::nullopt;
    return Tensor::from<float>({static_cast<std::int64_t>(values->size())}, *values);
  }
  return std::nullopt;
}

UnsupportedReason check_constant(const OpContext& context, Facts) {
  if (constant_value(context.node)) return std::nullopt;
  return "only dense numbers are supported as constants";
}

OutputList infer_constant(const OpContext& context, Facts) {
  const Tensor value = *constant_value(context.node);
  return {output(value.type(), graph::fixed_shape(value.shape()))};
}

Outputs run_constant(const OpContext& context, Inputs) {
  return {to_aten(*constant_value(context.node))};
}

Tensor fill_value(const OpContext& context) {
  return constant_value(context.node).value_or(Tensor::scalar(0.0F));
}

UnsupportedReason check_constant_of_shape(const OpContext& context, Facts inputs) {
  if (fill_value(context).elements() != 1) return "its value must be one element";
  return needs_known(inputs, 0, "shape");
}

OutputList infer_constant_of_shape(const OpContext& context, Facts inputs) {
  if (!inputs[0].elements) fail(context, "its shape is not known");
  const Tensor value = fill_value(context);
  const Shape shape = *inputs[0].elements;
  for (const Dim& extent : shape) {
    if (extent.size < 0) fail(context, "an extent is negative");
  }
  Elements elements;
  const MaybeDim count = product(shape);
  if (!is_float(value.type()) && count && count->is_fixed() && count->size <= kMaxKnownElements) {
    elements.emplace(static_cast<std::size_t>(count->size), Dim::fixed(value.to_int64s()[0]));
  }
  return {output(value.type(), shape, std::move(elements))};
}

Outputs run_constant_of_shape(const OpContext& context, Inputs inputs) {
  const at::Tensor value = to_aten(fill_value(context)).reshape({});
  return {at::full(integers(inputs[0]), value.item(), value.options())};
}

UnsupportedReason check_range(const OpContext&, Facts inputs) {
  for (std::size_t i = 0; i < 3; ++i) {
    if (auto complaint = needs_known(inputs, i, "range")) return complaint;
  }
  return std::nullopt;
}

Dim range_length(const OpContext& context, double start, double limit, double step) {
  const double count = std::max(std::ceil((limit - start) / step), 0.0);
  if (!(count < INT32_MAX)) {
    fail(context, fmt::format("from {} to {} in steps of {}", start, limit, step));
  }
  return Dim::fixed(static_cast<std::int64_t>(count));
}

OutputList infer_range(const OpContext& context, Facts inputs) {
  if (is_float(inputs[0].type)) {
    const auto number = [&](std::size_t i) -> double {
      if (inputs[i].constant == nullptr) fail(context, "its bounds are not constant");
      return inputs[i].constant->to_floats().at(0);
    };
    return {output(inputs[0].type, {range_length(context, number(0), number(1), number(2))})};
  }
  const Dim start = inputs[0].elements.value().at(0);
  const Dim limit = inputs[1].elements.value().at(0);
  const Dim step = inputs[2].elements.value().at(0);
  const MaybeDim length = subtract(limit, start);
  if (length && step == Dim::fixed(1)) {
    return {output(inputs[0].type, {length->size < 0 ? Dim::fixed(0) : *length})};
  }
  if (!length || !length->is_fixed() || !step.is_fixed()) {
    fail(context, "its length is not a fixed multiple of the batch");
  }
  const auto span = static_cast<double>(length->size);
  return {
      output(inputs[0].type, {range_length(context, 0.0, span, static_cast<double>(step.size))})};
}

/// LibTorch's version refuses an empty range in the wrong direction.
Outputs run_range(const OpContext&, Inputs inputs) {
  const double start = inputs[0].item().toDouble();
  const double limit = inputs[1].item().toDouble();
  const double step = inputs[2].item().toDouble();
  const double count = std::max(std::ceil((limit - start) / step), 0.0);
  const at::Tensor steps = at::arange(static_cast<std::int64_t>(count),
                                      at::TensorOptions().dtype(inputs[0].scalar_type()));
  return {steps * inputs[2].cpu().reshape({}) + inputs[0].cpu().reshape({})};
}

// --- Identity, Dropout
// ------------------------------------------------------------------------------

OutputList infer_identity(const OpContext&, Facts inputs) {
  return {output(inputs[0].type, inputs[0].shape, inputs[0].elements)};
}

Outputs run_identity(const OpContext&, Inputs inputs) { return {inputs[0]}; }

UnsupportedReason check_dropout(const OpContext&, Facts inputs) {
  const auto training = known_integers(fact(inputs, 2));
  if (training && !training->empty() && training->front() != 0) {
    return "training_mode is true; export the network for inference";
  }
  return std::nullopt;
}

OutputList infer_dropout(const OpContext& context, Facts inputs) {
  const DataType mask = context.opset < 10 ? inputs[0].type : DataType::Bool;
  return {output(inputs[0].type, inputs[0].shape), output(mask, inputs[0].shape)};
}

Outputs run_dropout(const OpContext& context, Inputs inputs) {
  Outputs outputs{inputs[0]};
  if (context.node.outputs.size() > 1) {
    const at::ScalarType mask = context.opset < 10 ? inputs[0].scalar_type() : at::kBool;
    outputs.push_back(at::ones_like(inputs[0], mask));
  }
  return outputs;
}

}  // namespace

std::span<const Operator> casting_operators() {
  static constexpr Operator kRows[] = {
      {"Cast", "", 7, 1, 1, check_cast, infer_cast, run_cast},
      {"CastLike", "", 15, 2, 1, always_supported, infer_cast_like, run_cast_like},
      {"Shape", "", 7, 1, 1, always_supported, infer_shape, run_shape},
      {"Size", "", 7, 1, 1, always_supported, infer_size, run_size},
      {"Constant", "", 7, 0, 1, check_constant, infer_constant, run_constant},
      {"ConstantOfShape",
       "",
       9,
       1,
       1,
       check_constant_of_shape,
       infer_constant_of_shape,
       run_constant_of_shape},
      {"Range", "", 11, 3, 1, check_range, infer_range, run_range},
      {"Identity", "", 7, 1, 1, always_supported, infer_identity, run_identity},
      {"Dropout", "", 7, 1, 2, check_dropout, infer_dropout, run_dropout},
  };
  return kRows;
}

}  // namespace ompq::ops
