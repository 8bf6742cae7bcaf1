#include "ompq/ops/facts.h"
#include "ompq/ops/families/families.h"
#include "ompq/ops/run.h"

namespace ompq::ops {
namespace {

/// Computes float16 and bfloat16 in float32; integers unchanged.
template <auto Function>
constexpr auto kWide = in_float32<unary<Function>>;

at::Tensor absolute(const at::Tensor& x) { return at::abs(x); }
at::Tensor negative(const at::Tensor& x) { return at::neg(x); }
at::Tensor sign(const at::Tensor& x) { return at::sign(x); }
at::Tensor round_half_even(const at::Tensor& x) { return at::round(x); }
at::Tensor softsign(const at::Tensor& x) { return x / (1 + at::abs(x)); }

OutputList infer_neg(const OpContext&, Facts inputs) {
  OutputFacts result = output(inputs[0].type, inputs[0].shape, inputs[0].elements);
  if (result.elements) {
    for (Dim& element : *result.elements) element.size = -element.size;
  }
  return {result};
}

OutputList infer_test(const OpContext&, Facts inputs) {
  return {output(DataType::Bool, inputs[0].shape)};
}

Outputs run_is_inf(const OpContext& context, Inputs inputs) {
  const bool positive = context.node.int_attribute("detect_positive", 1) != 0;
  const bool negative = context.node.int_attribute("detect_negative", 1) != 0;
  if (positive && negative) return {at::isinf(inputs[0])};
  if (positive) return {at::isposinf(inputs[0])};
  if (negative) return {at::isneginf(inputs[0])};
  return {at::zeros_like(inputs[0], at::kBool)};
}

}  // namespace

std::span<const Operator> elementwise_unary_operators() {
  static constexpr Operator kRows[] = {
      {"Abs", "", 7, 1, 1, always_supported, same_as_first, unary<absolute>},
      {"Neg", "", 7, 1, 1, always_supported, infer_neg, unary<negative>},
      {"Sign", "", 9, 1, 1, always_supported, same_as_first, unary<sign>},
      {"Sqrt", "", 7, 1, 1, needs_float, same_as_first, kWide<at::sqrt>},
      {"Exp", "", 7, 1, 1, needs_float, same_as_first, kWide<at::exp>},
      {"Log", "", 7, 1, 1, needs_float, same_as_first, kWide<at::log>},
      {"Reciprocal", "", 7, 1, 1, needs_float, same_as_first, kWide<at::reciprocal>},
      {"Floor", "", 7, 1, 1, needs_float, same_as_first, kWide<at::floor>},
      {"Ceil", "", 7, 1, 1, needs_float, same_as_first, kWide<at::ceil>},
      {"Round", "", 11, 1, 1, needs_float, same_as_first, kWide<round_half_even>},
      {"Erf", "", 9, 1, 1, needs_float, same_as_first, kWide<at::erf>},
      {"Sin", "", 7, 1, 1, needs_float, same_as_first, kWide<at::sin>},
      {"Cos", "", 7, 1, 1, needs_float, same_as_first, kWide<at::cos>},
      {"Tan", "", 7, 1, 1, needs_float, same_as_first, kWide<at::tan>},
      {"Asin", "", 7, 1, 1, needs_float, same_as_first, kWide<at::asin>},
      {"Acos", "", 7, 1, 1, needs_float, same_as_first, kWide<at::acos>},
      {"Atan", "", 7, 1, 1, needs_float, same_as_first, kWide<at::atan>},
      {"Sinh", "", 9, 1, 1, needs_float, same_as_first, kWide<at::sinh>},
      {"Cosh", "", 9, 1, 1, needs_float, same_as_first, kWide<at::cosh>},
      {"Tanh", "", 7, 1, 1, needs_float, same_as_first, in_bfloat16<unary<at::tanh>>},
      {"Asinh", "", 9, 1, 1, needs_float, same_as_first, kWide<at::asinh>},
      {"Acosh", "", 9, 1, 1, needs_float, same_as_first, kWide<at::acosh>},
      {"Atanh", "", 9, 1, 1, needs_float, same_as_first, kWide<at::atanh>},
      {"Softsign", "", 7, 1, 1, needs_float, same_as_first, kWide<softsign>},
      {"IsNaN", "", 9, 1, 1, needs_float, infer_test, unary<at::isnan>},
      {"IsInf", "", 10, 1, 1, needs_float, infer_test, run_is_inf},
  };
  return kRows;
}

}  // namespace ompq::ops
