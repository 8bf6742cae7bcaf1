#include <algorithm>

#include "ompq/ops/facts.h"
#include "ompq/ops/families/families.h"
#include "ompq/ops/run.h"

namespace ompq::ops {
namespace {

OutputList infer_softmax(const OpContext& context, Facts inputs) {
  const std::int64_t fallback = context.opset < 13 ? 1 : -1;
  // Before opset 13 the axis may equal the rank.
  const std::int64_t axis = context.node.int_attribute("axis", fallback);
  if (context.opset >= 13 || axis != rank_of(inputs[0])) {
    (void)normal_axis(context, axis, rank_of(inputs[0]));
  }
  return same_as_first(context, inputs);
}

/// Before opset 13 all axes from `axis` on are flattened.
template <auto Function>
Outputs run_softmax(const OpContext& context, Inputs inputs) {
  const at::Tensor& x = inputs[0];
  if (context.opset >= 13) return {Function(x, context.node.int_attribute("axis", -1))};
  const std::int64_t axis = positive_axis(context.node.int_attribute("axis", 1), x.dim());
  if (axis == x.dim() - 1) return {Function(x, axis)};
  std::int64_t rows = 1;
  for (std::int64_t i = 0; i < axis; ++i) rows *= x.size(i);
  const std::int64_t columns = rows == 0 ? 0 : x.numel() / rows;
  return {Function(x.reshape({rows, columns}), 1).reshape(x.sizes())};
}

at::Tensor softmax(const at::Tensor& x, std::int64_t axis) { return at::softmax(x, axis); }
at::Tensor log_softmax(const at::Tensor& x, std::int64_t axis) { return at::log_softmax(x, axis); }
/// 1 at the first largest element, else 0.
at::Tensor hardmax(const at::Tensor& x, std::int64_t axis) {
  const at::Tensor winner = at::argmax(x, axis, /*keepdim=*/true);
  return at::scatter(at::zeros_like(x), axis, winner, 1);
}

}  // namespace

std::span<const Operator> softmax_operators() {
  static constexpr Operator kRows[] = {
      {"Softmax", "", 7, 1, 1, needs_float, infer_softmax, in_float32<run_softmax<softmax>>},
      {"LogSoftmax", "", 7, 1, 1, needs_float, infer_softmax, in_float32<run_softmax<log_softmax>>},
      {"Hardmax", "", 7, 1, 1, needs_float, infer_softmax, in_float32<run_softmax<hardmax>>},
  };
  return kRows;
}

}  // namespace ompq::ops
