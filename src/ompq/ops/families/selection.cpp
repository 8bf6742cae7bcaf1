#include <fmt/format.h>

#include "ompq/ops/facts.h"
#include "ompq/ops/families/families.h"
#include "ompq/ops/run.h"

namespace ompq::ops {
namespace {

// --- ArgMax, ArgMin
// -------------------------------------------------------------------------------

OutputList infer_arg(const OpContext& context, Facts inputs) {
  Shape shape = inputs[0].shape;
  const auto axis = normal_axis(context, context.node.int_attribute("axis", 0), rank_of(inputs[0]));
  if (context.node.int_attribute("keepdims", 1) != 0) {
    shape[static_cast<std::size_t>(axis)] = Dim::fixed(1);
  } else {
    shape.erase(shape.begin() + axis);
  }
  return {output(DataType::Int64, std::move(shape))};
}

/// LibTorch returns the first of equal elements; the last is the first of the reversed axis.
template <auto Function>
Outputs run_arg(const OpContext& context, Inputs inputs) {
  const at::Tensor& x = inputs[0];
  const std::int64_t axis = positive_axis(context.node.int_attribute("axis", 0), x.dim());
  const bool keep = context.node.int_attribute("keepdims", 1) != 0;
  if (context.node.int_attribute("select_last_index", 0) == 0) return {Function(x, axis, keep)};
  return {x.size(axis) - 1 - Function(at::flip(x, {axis}), axis, keep)};
}

at::Tensor arg_max(const at::Tensor& x, std::int64_t axis, bool keep) {
  return at::argmax(x, axis, keep);
}
at::Tensor arg_min(const at::Tensor& x, std::int64_t axis, bool keep) {
  return at::argmin(x, axis, keep);
}

// --- TopK: k in an attribute before opset 10, in an input since ----------------------------------

UnsupportedReason check_top_k(const OpContext& context, Facts inputs) {
  if (context.opset < 10) {
    return context.node.has_attribute("k") ? always_supported(context, inputs) : "its k is missing";
  }
  return has(inputs, 1) ? needs_known(inputs, 1, "k") : "its k is missing";
}

OutputList infer_top_k(const OpContext& context, Facts inputs) {
  const auto axis =
      normal_axis(context, context.node.int_attribute("axis", -1), rank_of(inputs[0]));
  const Dim k = context.opset < 10 ? Dim::fixed(context.node.int_attribute("k", 0))
                                   : inputs[1].elements.value().at(0);
  Shape shape = inputs[0].shape;
  Dim& extent = shape[static_cast<std::size_t>(axis)];
  if (k.size < 0 || less(extent, k).value_or(true)) {
    fail(context,
         fmt::format("the {} largest of {}", graph::to_string({k}), graph::to_string({extent})));
  }
  extent = k;
  return {output(inputs[0].type, shape), output(DataType::Int64, shape)};
}

/// A stable sort, since the first of equal elements comes first.
Outputs run_top_k(const OpContext& context, Inputs inputs) {
  const at::Tensor& x = inputs[0];
  const std::int64_t axis = positive_axis(context.node.int_attribute("axis", -1), x.dim());
  const std::int64_t k =
      context.opset < 10 ? context.node.int_attribute("k", 0) : integers(inputs[1]).at(0);
  const bool largest = context.node.int_attribute("largest", 1) != 0;
  const auto [values, indices] = at::sort(x, /*stable=*/true, axis, largest);
  return {values.narrow(axis, 0, k), indices.narrow(axis, 0, k)};
}

}  // namespace

std::span<const Operator> selection_operators() {
  static constexpr Operator kRows[] = {
      {"ArgMax", "", 7, 1, 1, always_supported, infer_arg, run_arg<arg_max>},
      {"ArgMin", "", 7, 1, 1, always_supported, infer_arg, run_arg<arg_min>},
      {"TopK", "", 7, 1, 2, check_top_k, infer_top_k, in_float32<run_top_k>},
  };
  return kRows;
}

}  // namespace ompq::ops
