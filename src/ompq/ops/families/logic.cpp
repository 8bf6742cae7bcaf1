#include <fmt/format.h>

#include "ompq/ops/facts.h"
#include "ompq/ops/families/families.h"
#include "ompq/ops/run.h"

namespace ompq::ops {
namespace {

/// A comparison or logical operator on known numbers; true is 1.
using Truth = std::optional<bool> (*)(Dim, Dim);

template <Truth Holds>
MaybeDim as_dim(Dim a, Dim b) {
  const std::optional<bool> holds = Holds(a, b);
  if (!holds) return std::nullopt;
  return Dim::fixed(*holds ? 1 : 0);
}

std::optional<bool> negated(std::optional<bool> holds) {
  if (holds) holds = !*holds;
  return holds;
}

std::optional<bool> greater(Dim a, Dim b) { return less(b, a); }
std::optional<bool> not_greater(Dim a, Dim b) { return negated(less(b, a)); }
std::optional<bool> not_less(Dim a, Dim b) { return negated(less(a, b)); }
std::optional<bool> both(Dim a, Dim b) { return a.size != 0 && b.size != 0; }
std::optional<bool> either(Dim a, Dim b) { return a.size != 0 || b.size != 0; }
std::optional<bool> exactly_one(Dim a, Dim b) { return (a.size != 0) != (b.size != 0); }

template <Truth Holds>
OutputList infer_truth(const OpContext& context, Facts inputs) {
  Shape shape = broadcast(context, inputs[0].shape, inputs[1].shape);
  Elements elements = combine(inputs[0], inputs[1], shape, as_dim<Holds>);
  return {output(DataType::Bool, std::move(shape), std::move(elements))};
}

UnsupportedReason needs_bools(const OpContext&, Facts inputs) {
  for (const InputFacts& input : inputs) {
    if (input.known && input.type != DataType::Bool) {
      return fmt::format("works on bool, its input is {}", name_of(input.type));
    }
  }
  return std::nullopt;
}

OutputList infer_not(const OpContext&, Facts inputs) {
  OutputFacts result = output(DataType::Bool, inputs[0].shape, inputs[0].elements);
  if (result.elements) {
    for (Dim& element : *result.elements) element = Dim::fixed(element.size == 0 ? 1 : 0);
  }
  return {result};
}

// --- Where -----------------------------------------------------------------------------------

UnsupportedReason check_where(const OpContext&, Facts inputs) {
  const InputFacts& condition = fact(inputs, 0);
  if (condition.known && condition.type != DataType::Bool) {
    return fmt::format("its condition is {}", name_of(condition.type));
  }
  if (fact(inputs, 1).known && fact(inputs, 2).known && inputs[1].type != inputs[2].type) {
    return fmt::format("mixes {} and {}", name_of(inputs[1].type), name_of(inputs[2].type));
  }
  return std::nullopt;
}

Elements choose(Facts inputs, const Shape& shape) {
  const Elements condition = elements_as(inputs[0], shape);
  const Elements yes = elements_as(inputs[1], shape);
  const Elements no = elements_as(inputs[2], shape);
  if (!condition || !yes || !no || is_float(inputs[1].type)) return std::nullopt;
  std::vector<Dim> chosen;
  for (std::size_t i = 0; i < condition->size(); ++i) {
    chosen.push_back((*condition)[i].size != 0 ? (*yes)[i] : (*no)[i]);
  }
  return chosen;
}

OutputList infer_where(const OpContext& context, Facts inputs) {
  Shape shape = broadcast_all(context, inputs);
  Elements elements = choose(inputs, shape);
  return {output(inputs[1].type, std::move(shape), std::move(elements))};
}

Outputs run_where(const OpContext&, Inputs inputs) {
  return {at::where(inputs[0], inputs[1], inputs[2])};
}

at::Tensor eq_tensors(const at::Tensor& a, const at::Tensor& b) { return at::eq(a, b); }
at::Tensor lt_tensors(const at::Tensor& a, const at::Tensor& b) { return at::lt(a, b); }
at::Tensor le_tensors(const at::Tensor& a, const at::Tensor& b) { return at::le(a, b); }
at::Tensor gt_tensors(const at::Tensor& a, const at::Tensor& b) { return at::gt(a, b); }
at::Tensor ge_tensors(const at::Tensor& a, const at::Tensor& b) { return at::ge(a, b); }

}  // namespace

std::span<const Operator> logic_operators() {
  static constexpr Operator kRows[] = {
      {"Equal", "", 7, 2, 1, always_supported, infer_truth<equal>, binary<eq_tensors>},
      {"Less", "", 7, 2, 1, always_supported, infer_truth<less>, binary<lt_tensors>},
      {"LessOrEqual", "", 12, 2, 1, always_supported, infer_truth<not_greater>, binary<le_tensors>},
      {"Greater", "", 7, 2, 1, always_supported, infer_truth<greater>, binary<gt_tensors>},
      {"GreaterOrEqual", "", 12, 2, 1, always_supported, infer_truth<not_less>, binary<ge_tensors>},
      {"And", "", 7, 2, 1, needs_bools, infer_truth<both>, binary<at::logical_and>},
      {"Or", "", 7, 2, 1, needs_bools, infer_truth<either>, binary<at::logical_or>},
      {"Xor", "", 7, 2, 1, needs_bools, infer_truth<exactly_one>, binary<at::logical_xor>},
      {"Not", "", 7, 1, 1, needs_bools, infer_not, unary<at::logical_not>},
      {"Where", "", 9, 3, 1, check_where, infer_where, run_where},
  };
  return kRows;
}

}  // namespace ompq::ops
