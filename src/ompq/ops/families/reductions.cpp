#include <algorithm>
#include <functional>

#include <fmt/format.h>

#include "ompq/ops/facts.h"
#include "ompq/ops/families/families.h"
#include "ompq/ops/run.h"

namespace ompq::ops {
namespace {

using Extents = std::vector<std::int64_t>;

/// ReduceSum has its axes as an input since opset 13, the others since 18.
int axes_input_since(const OpContext& context) {
  return context.node.op_type == "ReduceSum" ? 13 : 18;
}

bool keeps(const OpContext& context) { return context.node.int_attribute("keepdims", 1) != 0; }

/// The axes to reduce, in order; nullopt if the node reduces nothing.
std::optional<Extents> reduced_axes(const OpContext& context,
                                    const std::optional<Extents>& given,
                                    std::int64_t rank) {
  Extents axes = normal_axes(context, given.value_or(Extents{}), rank);
  if (axes.empty()) {
    if (context.node.int_attribute("noop_with_empty_axes", 0) != 0) return std::nullopt;
    for (std::int64_t axis = 0; axis < rank; ++axis) axes.push_back(axis);
  }
  std::sort(axes.begin(), axes.end());
  return axes;
}

UnsupportedReason check_axes(const OpContext& context, Facts inputs) {
  return context.opset >= axes_input_since(context) ? needs_known(inputs, 1, "axes") : std::nullopt;
}

UnsupportedReason check_float_axes(const OpContext& context, Facts inputs) {
  if (auto complaint = needs_float(context, inputs)) return complaint;
  return check_axes(context, inputs);
}

OutputList infer_reduction(const OpContext& context, Facts inputs) {
  const auto given = ints_from(context, inputs, "axes", 1, axes_input_since(context));
  const auto axes = reduced_axes(context, given, rank_of(inputs[0]));
  if (!axes) return {output(inputs[0].type, inputs[0].shape, inputs[0].elements)};
  Shape shape;
  for (std::size_t i = 0; i < inputs[0].shape.size(); ++i) {
    const bool reduced =
        std::binary_search(axes->begin(), axes->end(), static_cast<std::int64_t>(i));
    if (!reduced) shape.push_back(inputs[0].shape[i]);
    if (reduced && keeps(context)) shape.push_back(Dim::fixed(1));
  }
  return {output(inputs[0].type, std::move(shape))};
}

/// Shape computations reduce a whole vector to one number.
template <DimFunction Of>
OutputList infer_countable(const OpContext& context, Facts inputs) {
  OutputList result = infer_reduction(context, inputs);
  const Elements& elements = inputs[0].elements;
  if (elements && !elements->empty() && !is_float(inputs[0].type) &&
      product(result[0].shape) == Dim::fixed(1)) {
    MaybeDim total = elements->front();
    for (std::size_t i = 1; total && i < elements->size(); ++i) total = Of(*total, (*elements)[i]);
    if (total) result[0].elements = {*total};
  }
  return result;
}

using Reduction = at::Tensor (*)(const at::Tensor&, at::IntArrayRef axes, bool keep);

template <Reduction Reduce>
Outputs run_reduction(const OpContext& context, Inputs inputs) {
  const auto given = ints_from(context, inputs, "axes", 1, axes_input_since(context));
  const auto axes = reduced_axes(context, given, inputs[0].dim());
  if (!axes || inputs[0].dim() == 0) return {inputs[0]};
  const at::Tensor result = Reduce(inputs[0], *axes, keeps(context));
  return {in_format_of(inputs[0], result)};
}

at::Tensor sum(const at::Tensor& x, at::IntArrayRef axes, bool keep) {
  return at::sum(x, axes, keep, x.scalar_type());
}
at::Tensor mean(const at::Tensor& x, at::IntArrayRef axes, bool keep) {
  return at::mean(x, axes, keep);
}
at::Tensor max(const at::Tensor& x, at::IntArrayRef axes, bool keep) {
  return at::amax(x, axes, keep);
}
at::Tensor min(const at::Tensor& x, at::IntArrayRef axes, bool keep) {
  return at::amin(x, axes, keep);
}
at::Tensor prod(const at::Tensor& x, at::IntArrayRef axes, bool keep) {
  at::Tensor result = x;
  for (std::size_t i = axes.size(); i-- > 0;) {
    result = at::prod(result, axes[i], keep, x.scalar_type());
  }
  return result;
}
at::Tensor l1(const at::Tensor& x, at::IntArrayRef axes, bool keep) {
  return sum(at::abs(x), axes, keep);
}
at::Tensor sum_square(const at::Tensor& x, at::IntArrayRef axes, bool keep) {
  return sum(x * x, axes, keep);
}
at::Tensor l2(const at::Tensor& x, at::IntArrayRef axes, bool keep) {
  return at::sqrt(sum_square(x, axes, keep));
}
at::Tensor log_sum(const at::Tensor& x, at::IntArrayRef axes, bool keep) {
  return at::log(sum(x, axes, keep));
}
at::Tensor log_sum_exp(const at::Tensor& x, at::IntArrayRef axes, bool keep) {
  return at::logsumexp(x, axes, keep);
}

// --- CumSum ----------------------------------------------------------------------------------

UnsupportedReason check_cumsum(const OpContext&, Facts inputs) {
  return needs_known(inputs, 1, "axis");
}

OutputList infer_cumsum(const OpContext& context, Facts inputs) {
  const auto axis = known_integers(inputs[1]);
  if (!axis || axis->size() != 1) fail(context, "its axis is not a single known number");
  (void)normal_axis(context, axis->front(), rank_of(inputs[0]));
  return same_as_first(context, inputs);
}

Outputs run_cumsum(const OpContext& context, Inputs inputs) {
  const std::int64_t axis = positive_axis(integers(inputs[1]).at(0), inputs[0].dim());
  const bool reverse = context.node.int_attribute("reverse", 0) != 0;
  const at::Tensor x = reverse ? at::flip(inputs[0], {axis}) : inputs[0];
  at::Tensor sums = at::cumsum(x, axis, x.scalar_type());
  if (context.node.int_attribute("exclusive", 0) != 0 && x.size(axis) > 0) {
    const at::Tensor zero = at::zeros_like(x.narrow(axis, 0, 1));
    sums = at::cat({zero, sums.narrow(axis, 0, x.size(axis) - 1)}, axis);
  }
  return {reverse ? at::flip(sums, {axis}) : sums};
}

}  // namespace

std::span<const Operator> reduction_operators() {
  static constexpr Operator kRows[] = {
      {"ReduceMean",
       "",
       7,
       1,
       1,
       check_float_axes,
       infer_reduction,
       in_float32<run_reduction<mean>>},
      {"ReduceSum", "", 7, 1, 1, check_axes, infer_countable<add>, in_float32<run_reduction<sum>>},
      {"ReduceMax",
       "",
       7,
       1,
       1,
       check_axes,
       infer_countable<maximum>,
       in_float32<run_reduction<max>>},
      {"ReduceMin",
       "",
       7,
       1,
       1,
       check_axes,
       infer_countable<minimum>,
       in_float32<run_reduction<min>>},
      {"ReduceProd",
       "",
       7,
       1,
       1,
       check_axes,
       infer_countable<multiply>,
       in_float32<run_reduction<prod>>},
      {"ReduceL1", "", 7, 1, 1, check_float_axes, infer_reduction, in_float32<run_reduction<l1>>},
      {"ReduceL2", "", 7, 1, 1, check_float_axes, infer_reduction, in_float32<run_reduction<l2>>},
      {"ReduceSumSquare",
       "",
       7,
       1,
       1,
       check_float_axes,
       infer_reduction,
       in_float32<run_reduction<sum_square>>},
      {"ReduceLogSum",
       "",
       7,
       1,
       1,
       check_float_axes,
       infer_reduction,
       in_float32<run_reduction<log_sum>>},
      {"ReduceLogSumExp",
       "",
       7,
       1,
       1,
       check_float_axes,
       infer_reduction,
       in_float32<run_reduction<log_sum_exp>>},
      {"CumSum", "", 11, 2, 1, check_cumsum, infer_cumsum, in_float32<run_cumsum>},
  };
  return kRows;
}

}  // namespace ompq::ops
