#include <algorithm>

#include <fmt/format.h>

#include "ompq/ops/facts.h"
#include "ompq/ops/families/families.h"
#include "ompq/ops/run.h"

namespace ompq::ops {
namespace {

template <DimFunction Of>
OutputList infer_arithmetic(const OpContext& context, Facts inputs) {
  Shape shape = broadcast(context, inputs[0].shape, inputs[1].shape);
  Elements elements = combine(inputs[0], inputs[1], shape, Of);
  return {output(inputs[0].type, std::move(shape), std::move(elements))};
}

OutputList infer_broadcast(const OpContext& context, Facts inputs) {
  return {output(inputs[0].type, broadcast_all(context, inputs))};
}

/// Max and Min take any number of inputs, also in shape computations.
template <DimFunction Of>
OutputList infer_extremum(const OpContext& context, Facts inputs) {
  InputFacts so_far = inputs[0];
  for (const InputFacts& next : inputs.subspan(1)) {
    Shape shape = broadcast(context, so_far.shape, next.shape);
    so_far.elements = combine(so_far, next, shape, Of);
    so_far.shape = std::move(shape);
  }
  return {output(so_far.type, so_far.shape, so_far.elements)};
}

UnsupportedReason same_types(const OpContext&, Facts inputs) {
  for (const InputFacts& input : inputs) {
    if (!input.present) return "an input in the middle is missing";
    if (input.known && inputs[0].known && input.type != inputs[0].type) {
      return fmt::format("mixes {} and {}", name_of(inputs[0].type), name_of(input.type));
    }
  }
  return std::nullopt;
}

UnsupportedReason same_float_types(const OpContext& context, Facts inputs) {
  if (auto complaint = needs_float(context, inputs)) return complaint;
  return same_types(context, inputs);
}

Outputs run_div(const OpContext&, Inputs inputs) {
  if (at::isIntegralType(inputs[0].scalar_type(), /*includeBool=*/false)) {
    return {at::div(inputs[0], inputs[1], "trunc")};
  }
  return {at::div(inputs[0], inputs[1])};
}

/// The result has the base's type, independent of the exponent's.
Outputs run_pow(const OpContext&, Inputs inputs) {
  const at::ScalarType type = inputs[0].scalar_type();
  if (at::isFloatingType(type) || inputs[1].scalar_type() == type) {
    return {at::pow(inputs[0], inputs[1]).to(type)};
  }
  return {at::pow(inputs[0].to(at::kDouble), inputs[1]).to(type)};
}

template <auto Function>
Outputs run_variadic(const OpContext&, Inputs inputs) {
  at::Tensor result = inputs[0];
  for (const at::Tensor& next : inputs.subspan(1)) result = Function(result, next);
  return {result};
}

at::Tensor add_tensors(const at::Tensor& a, const at::Tensor& b) { return at::add(a, b); }
at::Tensor sub_tensors(const at::Tensor& a, const at::Tensor& b) { return at::sub(a, b); }
at::Tensor mul_tensors(const at::Tensor& a, const at::Tensor& b) { return at::mul(a, b); }
at::Tensor max_tensors(const at::Tensor& a, const at::Tensor& b) { return at::maximum(a, b); }
at::Tensor min_tensors(const at::Tensor& a, const at::Tensor& b) { return at::minimum(a, b); }

Outputs run_mean(const OpContext& context, Inputs inputs) {
  return {run_variadic<add_tensors>(context, inputs)[0] / static_cast<double>(inputs.size())};
}

}  // namespace

std::span<const Operator> elementwise_binary_operators() {
  static constexpr Operator kRows[] = {
      {"Add", "", 7, 2, 1, same_types, infer_arithmetic<add>, in_bfloat16<binary<add_tensors>>},
      {"Sub",
       "",
       7,
       2,
       1,
       same_types,
       infer_arithmetic<subtract>,
       in_bfloat16<binary<sub_tensors>>},
      {"Mul",
       "",
       7,
       2,
       1,
       same_types,
       infer_arithmetic<multiply>,
       in_bfloat16<binary<mul_tensors>>},
      {"Div", "", 7, 2, 1, same_types, infer_arithmetic<divide>, in_bfloat16<run_div>},
      {"Pow", "", 7, 2, 1, always_supported, infer_broadcast, in_float32<run_pow>},
      {"Max",
       "",
       7,
       1,
       1,
       same_types,
       infer_extremum<maximum>,
       in_bfloat16<run_variadic<max_tensors>>},
      {"Min",
       "",
       7,
       1,
       1,
       same_types,
       infer_extremum<minimum>,
       in_bfloat16<run_variadic<min_tensors>>},
      {"Sum",
       "",
       7,
       1,
       1,
       same_float_types,
       infer_broadcast,
       in_bfloat16<run_variadic<add_tensors>>},
      {"Mean", "", 7, 1, 1, same_float_types, infer_broadcast, in_bfloat16<run_mean>},
  };
  return kRows;
}

}  // namespace ompq::ops
