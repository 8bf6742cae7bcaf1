#include <algorithm>

#include <fmt/format.h>

#include "ompq/ops/aten_bridge.h"
#include "ompq/ops/facts.h"
#include "ompq/ops/families/families.h"
#include "ompq/ops/run.h"

/// OneHot, EyeLike, ReverseSequence, Compress, NonZero, Det, CumProd.
namespace ompq::ops {
namespace {

using Extents = std::vector<std::int64_t>;

// --- OneHot --------------------------------------------------------------------------------------

UnsupportedReason check_one_hot(const OpContext&, Facts inputs) {
  return needs_known(inputs, 1, "depth");
}

/// A depth may be an integral float.
std::optional<Dim> depth_of(const InputFacts& depth) {
  if (depth.elements && depth.elements->size() == 1) return depth.elements->front();
  if (depth.constant == nullptr || depth.constant->elements() != 1) return std::nullopt;
  return Dim::fixed(static_cast<std::int64_t>(depth.constant->to_floats().front()));
}

OutputList infer_one_hot(const OpContext& context, Facts inputs) {
  const auto depth = depth_of(inputs[1]);
  if (!depth) fail(context, "its depth is not known");
  Shape shape = inputs[0].shape;
  const auto axis =
      normal_axis(context, context.node.int_attribute("axis", -1), rank_of(inputs[0]) + 1);
  shape.insert(shape.begin() + axis, *depth);
  return {output(inputs[2].type, std::move(shape))};
}

/// An index outside -depth..depth-1 gives only off values.
Outputs run_one_hot(const OpContext& context, Inputs inputs) {
  const std::int64_t depth = integers(inputs[1]).at(0);
  const std::int64_t axis =
      positive_axis(context.node.int_attribute("axis", -1), inputs[0].dim() + 1);
  const at::Tensor indices = inputs[0].to(at::kLong);
  const at::Tensor plain = at::where(indices < 0, indices + depth, indices).unsqueeze(axis);
  Extents shape(static_cast<std::size_t>(plain.dim()), 1);
  shape[static_cast<std::size_t>(axis)] = depth;
  const at::Tensor places =
      at::arange(depth, at::TensorOptions().dtype(at::kLong).device(plain.device())).view(shape);
  const at::Tensor off = inputs[2].select(0, 0);
  const at::Tensor on = inputs[2].select(0, 1);
  return {at::where(plain == places, on, off)};
}

// --- EyeLike -------------------------------------------------------------------------------------

/// ONNX's number of the element type, or 0 for the input's.
constexpr std::pair<std::int64_t, DataType> kEyeTypes[] = {{1, DataType::Float32},
                                                           {6, DataType::Int32},
                                                           {7, DataType::Int64},
                                                           {9, DataType::Bool},
                                                           {11, DataType::Float64},
                                                           {2, DataType::UInt8},
                                                           {3, DataType::Int8}};

std::optional<DataType> eye_type(const OpContext& context, DataType own) {
  const std::int64_t asked = context.node.int_attribute("dtype", 0);
  if (asked == 0) return own;
  for (const auto& [number, type] : kEyeTypes) {
    if (number == asked) return type;
  }
  return std::nullopt;
}

UnsupportedReason check_eye(const OpContext& context, Facts inputs) {
  if (!eye_type(context, DataType::Float32)) {
    return fmt::format("has outputs of ONNX type {}", context.node.int_attribute("dtype", 0));
  }
  const InputFacts& x = fact(inputs, 0);
  if (x.known && rank_of(x) != 2) return "works on matrices";
  return std::nullopt;
}

OutputList infer_eye(const OpContext& context, Facts inputs) {
  return {output(*eye_type(context, inputs[0].type), inputs[0].shape)};
}

Outputs run_eye(const OpContext& context, Inputs inputs) {
  const at::Tensor& x = inputs[0];
  const DataType type = *eye_type(context, data_type_of(x.scalar_type()));
  const auto count = [&](std::int64_t axis) {
    return at::arange(x.size(axis), at::TensorOptions().dtype(at::kLong).device(x.device()));
  };
  const std::int64_t k = context.node.int_attribute("k", 0);
  const at::Tensor ones = count(1).unsqueeze(0) == (count(0) + k).unsqueeze(1);
  return {ones.to(scalar_type_of(type))};
}

// --- ReverseSequence -----------------------------------------------------------------------------

UnsupportedReason check_reverse(const OpContext& context, Facts inputs) {
  const std::int64_t batch = context.node.int_attribute("batch_axis", 1);
  const std::int64_t time = context.node.int_attribute("time_axis", 0);
  if ((batch == 0 && time == 1) || (batch == 1 && time == 0)) {
    const InputFacts& x = fact(inputs, 0);
    return x.known && rank_of(x) < 2 ? UnsupportedReason("works on two axes or more")
                                     : std::nullopt;
  }
  return fmt::format("batch_axis {} and time_axis {} are not 0 and 1", batch, time);
}

Outputs run_reverse(const OpContext& context, Inputs inputs) {
  const bool time_first = context.node.int_attribute("time_axis", 0) == 0;
  const at::Tensor x = time_first ? inputs[0].transpose(0, 1) : inputs[0];
  const at::Tensor lengths = inputs[1].to(at::kLong).unsqueeze(1);
  const at::Tensor steps =
      at::arange(x.size(1), at::TensorOptions().dtype(at::kLong).device(x.device())).unsqueeze(0);
  at::Tensor sources = at::where(steps < lengths, lengths - 1 - steps, steps);
  for (std::int64_t axis = 2; axis < x.dim(); ++axis) sources = sources.unsqueeze(-1);
  const at::Tensor result = at::gather(x, 1, sources.expand(x.sizes()));
  return {time_first ? result.transpose(0, 1) : result};
}

// --- Compress, NonZero: the output size depends on elements, which must be constant
// -------------

UnsupportedReason check_compress(const OpContext&, Facts inputs) {
  return needs_known(inputs, 1, "condition");
}

OutputList infer_compress(const OpContext& context, Facts inputs) {
  const auto condition = known_integers(inputs[1]);
  if (!condition) fail(context, "its condition is not known");
  const bool flat = !context.node.has_attribute("axis");
  const auto axis =
      flat ? 0 : normal_axis(context, context.node.int_attribute("axis", 0), rank_of(inputs[0]));
  const MaybeDim extent =
      flat ? product(inputs[0].shape) : inputs[0].shape[static_cast<std::size_t>(axis)];
  if (!extent || !extent->is_fixed()) fail(context, "it selects from the batch");
  const auto read =
      std::min<std::int64_t>(extent->size, static_cast<std::int64_t>(condition->size()));
  const auto kept = static_cast<std::int64_t>(std::count_if(
      condition->begin(), condition->begin() + read, [](std::int64_t on) { return on != 0; }));
  if (flat) return {output(inputs[0].type, {Dim::fixed(kept)})};
  Shape shape = inputs[0].shape;
  shape[static_cast<std::size_t>(axis)] = Dim::fixed(kept);
  return {output(inputs[0].type, std::move(shape))};
}

Outputs run_compress(const OpContext& context, Inputs inputs) {
  const bool flat = !context.node.has_attribute("axis");
  const at::Tensor x = flat ? inputs[0].reshape({-1}) : inputs[0];
  const std::int64_t axis = positive_axis(context.node.int_attribute("axis", 0), x.dim());
  const at::Tensor kept = at::nonzero(inputs[1].reshape({-1})).reshape({-1});
  return {at::index_select(x, axis, kept.masked_select(kept < x.size(axis)).to(x.device()))};
}

UnsupportedReason check_non_zero(const OpContext&, Facts inputs) {
  const InputFacts& x = fact(inputs, 0);
  if (!x.present || !x.known || x.constant != nullptr) return std::nullopt;
  return "the number of nonzero elements depends on the data; export the network with fixed "
         "indices, or cut it before the node";
}

OutputList infer_non_zero(const OpContext& context, Facts inputs) {
  if (inputs[0].constant == nullptr) fail(context, "its input is not constant");
  const std::vector<float> values = inputs[0].constant->to_floats();
  const auto count = static_cast<std::int64_t>(
      std::count_if(values.begin(), values.end(), [](float value) { return value != 0.0F; }));
  return {output(DataType::Int64, {Dim::fixed(rank_of(inputs[0])), Dim::fixed(count)})};
}

Outputs run_non_zero(const OpContext&, Inputs inputs) {
  return {at::nonzero(inputs[0]).t().contiguous()};
}

// --- Det, CumProd --------------------------------------------------------------------------------

OutputList infer_det(const OpContext& context, Facts inputs) {
  const Shape& shape = inputs[0].shape;
  if (shape.size() < 2 || !same(shape.back(), shape[shape.size() - 2])) {
    fail(context, fmt::format("shape {} is not that of square matrices", graph::to_string(shape)));
  }
  return {output(inputs[0].type, Shape(shape.begin(), shape.end() - 2))};
}

Outputs run_det(const OpContext&, Inputs inputs) { return {at::det(inputs[0])}; }

UnsupportedReason check_cum_prod(const OpContext& context, Facts inputs) {
  if (auto complaint = needs_known(inputs, 1, "axis")) return complaint;
  return needs_float(context, inputs);
}

OutputList infer_cum_prod(const OpContext& context, Facts inputs) {
  const auto axis = known_integers(inputs[1]);
  if (!axis || axis->size() != 1) fail(context, "its axis is not known");
  (void)normal_axis(context, axis->front(), rank_of(inputs[0]));
  return same_as_first(context, inputs);
}

Outputs run_cum_prod(const OpContext& context, Inputs inputs) {
  const std::int64_t axis = positive_axis(integers(inputs[1]).at(0), inputs[0].dim());
  const bool reverse = context.node.int_attribute("reverse", 0) != 0;
  at::Tensor x = reverse ? at::flip(inputs[0], {axis}) : inputs[0];
  if (context.node.int_attribute("exclusive", 0) != 0 && x.size(axis) > 0) {
    const at::Tensor first = at::ones_like(x.narrow(axis, 0, 1));
    x = at::cat({first, x.narrow(axis, 0, x.size(axis) - 1)}, axis);
  }
  const at::Tensor products = at::cumprod(x, axis);
  return {reverse ? at::flip(products, {axis}) : products};
}

}  // namespace

std::span<const Operator> sequence_operators() {
  static constexpr Operator kRows[] = {
      {"OneHot", "", 9, 3, 1, check_one_hot, infer_one_hot, run_one_hot},
      {"EyeLike", "", 9, 1, 1, check_eye, infer_eye, run_eye},
      {"ReverseSequence", "", 10, 2, 1, check_reverse, same_as_first, run_reverse},
      {"Compress", "", 9, 2, 1, check_compress, infer_compress, run_compress},
      {"NonZero", "", 9, 1, 1, check_non_zero, infer_non_zero, run_non_zero},
      {"Det", "", 11, 1, 1, needs_float, infer_det, in_float32<run_det>},
      {"CumProd", "", 26, 2, 1, check_cum_prod, infer_cum_prod, in_float32<run_cum_prod>},
  };
  return kRows;
}

}  // namespace ompq::ops
