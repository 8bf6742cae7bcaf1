#include "ompq/ops/families/gemm_matmul.h"

#include <algorithm>
#include <map>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "ompq/ops/families/families.h"

namespace ompq::ops {
namespace {

UnsupportedReason check_gemm(const OpContext& context, Facts inputs) {
  if (auto complaint = needs_float(context, inputs)) return complaint;
  const InputFacts& first = fact(inputs, 0);
  if (!first.known || rank_of(first) == 2) return std::nullopt;
  return fmt::format("needs matrices, but its input has shape {}", graph::to_string(first.shape));
}

at::Tensor scaled(const at::Tensor& tensor, float factor) {
  return factor == 1.0F ? tensor : tensor * factor;
}

[[noreturn]] void misfit(const OpContext& context, Facts inputs) {
  fail(context,
       fmt::format("matrices of shapes {} and {} do not fit",
                   graph::to_string(inputs[0].shape),
                   graph::to_string(inputs[1].shape)));
}

}  // namespace

OutputList infer_gemm(const OpContext& context, Facts inputs) {
  if (rank_of(inputs[0]) != 2 || rank_of(inputs[1]) != 2) misfit(context, inputs);
  const bool flip_a = context.node.int_attribute("transA", 0) != 0;
  const bool flip_b = context.node.int_attribute("transB", 0) != 0;
  const Shape& a = inputs[0].shape;
  const Shape& b = inputs[1].shape;
  if (!same(a[flip_a ? 0 : 1], b[flip_b ? 1 : 0])) misfit(context, inputs);
  Shape result{a[flip_a ? 1 : 0], b[flip_b ? 0 : 1]};
  if (has(inputs, 2) && broadcast(context, result, inputs[2].shape) != result) {
    fail(context,
         fmt::format("a bias of shape {} does not fit a result of shape {}",
                     graph::to_string(inputs[2].shape),
                     graph::to_string(result)));
  }
  return {output(inputs[0].type, std::move(result))};
}

Outputs run_gemm(const OpContext& context, Inputs inputs) {
  const bool flip_a = context.node.int_attribute("transA", 0) != 0;
  const bool flip_b = context.node.int_attribute("transB", 0) != 0;
  const float alpha = context.node.float_attribute("alpha", 1.0F);
  const float beta = context.node.float_attribute("beta", 1.0F);
  const at::Tensor a = flip_a ? inputs[0].t() : inputs[0];
  const at::Tensor typed = inputs[1].to(a.scalar_type());
  const at::Tensor b = flip_b ? typed.t() : typed;
  const auto bias = optional_input(inputs, 2);
  if (!bias || beta == 0.0F) return {scaled(at::mm(a, b), alpha)};
  return {at::addmm(bias->to(a.scalar_type()), a, b, beta, alpha)};
}

OutputList infer_matmul(const OpContext& context, Facts inputs) {
  Shape a = inputs[0].shape;
  Shape b = inputs[1].shape;
  if (a.empty() || b.empty()) misfit(context, inputs);
  const bool row = a.size() == 1;
  const bool column = b.size() == 1;
  if (row) a.insert(a.begin(), Dim::fixed(1));
  if (column) b.push_back(Dim::fixed(1));
  if (!same(a.back(), b[b.size() - 2])) misfit(context, inputs);
  Shape result = broadcast(context, Shape(a.begin(), a.end() - 2), Shape(b.begin(), b.end() - 2));
  if (!row) result.push_back(a[a.size() - 2]);
  if (!column) result.push_back(b.back());
  return {output(inputs[0].type, std::move(result))};
}

Outputs run_matmul(const OpContext&, Inputs inputs) {
  return {at::matmul(inputs[0], inputs[1].to(inputs[0].scalar_type()))};
}

namespace {

// --- com.microsoft's FusedMatMul: operands may be transposed, the product is scaled
// ----------------

UnsupportedReason check_fused_matmul(const OpContext& context, Facts inputs) {
  for (const char* name : {"transBatchA", "transBatchB"}) {
    if (context.node.int_attribute(name, 0) != 0) return fmt::format("{} is not supported", name);
  }
  return needs_float(context, inputs);
}

bool is_turned(const OpContext& context, std::size_t operand) {
  return context.node.int_attribute(operand == 0 ? "transA" : "transB", 0) != 0;
}

OutputList infer_fused_matmul(const OpContext& context, Facts inputs) {
  std::vector<InputFacts> turned(inputs.begin(), inputs.begin() + 2);
  for (std::size_t i = 0; i < turned.size(); ++i) {
    Shape& shape = turned[i].shape;
    if (is_turned(context, i) && shape.size() > 1) std::swap(shape.back(), shape[shape.size() - 2]);
  }
  return infer_matmul(context, turned);
}

Outputs run_fused_matmul(const OpContext& context, Inputs inputs) {
  Outputs turned(inputs.begin(), inputs.begin() + 2);
  for (std::size_t i = 0; i < turned.size(); ++i) {
    if (is_turned(context, i) && turned[i].dim() > 1) turned[i] = turned[i].transpose(-1, -2);
  }
  return {scaled(run_matmul(context, turned)[0], context.node.float_attribute("alpha", 1.0F))};
}

}  // namespace

std::span<const Operator> gemm_matmul_operators() {
  static constexpr Operator kRows[] = {
      {"Gemm", "", 7, 2, 1, check_gemm, infer_gemm, in_bfloat16<run_gemm>},
      {"MatMul", "", 7, 2, 1, needs_float, infer_matmul, in_bfloat16<run_matmul>},
      {"FusedMatMul",
       kMicrosoft,
       1,
       2,
       1,
       check_fused_matmul,
       infer_fused_matmul,
       in_bfloat16<run_fused_matmul>},
  };
  return kRows;
}

}  // namespace ompq::ops
