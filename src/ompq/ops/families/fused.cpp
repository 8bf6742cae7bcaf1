#include <algorithm>
#include <span>
#include <utility>

#include <fmt/format.h>

#include "ompq/core/error.h"
#include "ompq/graph/operator_traits.h"
#include "ompq/ops/facts.h"
#include "ompq/ops/families/conv.h"
#include "ompq/ops/families/families.h"
#include "ompq/ops/families/gemm_matmul.h"
#include "ompq/ops/run.h"

/// Operators of domain "ompq" created by graph::fuse(): product + bias [+ residual (input 3)] [+
/// activation]. This is the differentiable reference; runtime/ has a kernel for each.
namespace ompq::ops {
namespace {

constexpr std::size_t kResidual = 3;
using InferFunction = OutputList (*)(const OpContext&, Facts);

/// Runs the activation's row of the operator table.
at::Tensor activate(const OpContext& context, const at::Tensor& x) {
  graph::FusedActivation activation = graph::activation_of(context.node);
  if (activation.type.empty()) return x;
  const Operator* row = find_operator(activation.domain, activation.type);
  if (row == nullptr) {
    throw InternalError("ops", fmt::format("activation '{}' cannot be fused", activation.type));
  }
  const graph::Node node{.name = context.node.name,
                         .op_type = std::move(activation.type),
                         .domain = std::move(activation.domain),
                         .attributes = std::move(activation.parameters)};
  return row->run({node, context.opset}, std::span(&x, 1)).front();
}

UnsupportedReason check_fused(const OpContext& context, Facts inputs) {
  const graph::FusedActivation activation = graph::activation_of(context.node);
  const graph::Role role = graph::traits_of(activation.domain, activation.type).role;
  const bool fits = role == graph::Role::Activation || role == graph::Role::Bound;
  if (!activation.type.empty() && !fits) {
    return fmt::format("activation '{}' cannot be fused", activation.type);
  }
  return needs_float(context, inputs);
}

UnsupportedReason check_fused_conv(const OpContext& context, Facts inputs) {
  if (auto complaint = check_fused(context, inputs)) return complaint;
  return check_conv(context, inputs);
}

template <InferFunction Infer>
OutputList infer_fused(const OpContext& context, Facts inputs) {
  OutputList result = Infer(context, inputs.first(std::min(inputs.size(), kResidual)));
  if (has(inputs, kResidual)) {
    result[0].shape = broadcast(context, result[0].shape, inputs[kResidual].shape);
  }
  return result;
}

template <RunFunction Run>
Outputs run_fused(const OpContext& context, Inputs inputs) {
  at::Tensor sum = Run(context, inputs.first(std::min(inputs.size(), kResidual)))[0];
  const at::Tensor residual = input(inputs, kResidual);
  if (residual.defined()) sum = sum + residual;
  return {activate(context, sum)};
}

OutputList infer_matmul_bias(const OpContext& context, Facts inputs) {
  OutputList result = infer_matmul(context, inputs);
  if (has(inputs, 2)) result[0].shape = broadcast(context, result[0].shape, inputs[2].shape);
  return result;
}

Outputs run_matmul_bias(const OpContext& context, Inputs inputs) {
  at::Tensor result = run_matmul(context, inputs)[0];
  const at::Tensor bias = input(inputs, 2);
  return {bias.defined() ? result + bias : result};
}

}  // namespace

std::span<const Operator> fused_operators() {
  static constexpr Operator kRows[] = {
      {"FusedConv",
       "ompq",
       1,
       2,
       1,
       check_fused_conv,
       infer_fused<infer_conv>,
       in_bfloat16<run_fused<run_conv>>},
      {"FusedConvTranspose",
       "ompq",
       1,
       2,
       1,
       check_fused_conv,
       infer_fused<infer_conv_transpose>,
       in_float32<run_fused<run_conv_transpose>>},
      {"FusedGemm",
       "ompq",
       1,
       2,
       1,
       check_fused,
       infer_fused<infer_gemm>,
       in_bfloat16<run_fused<run_gemm>>},
      {"FusedMatMul",
       "ompq",
       1,
       2,
       1,
       check_fused,
       infer_fused<infer_matmul_bias>,
       in_bfloat16<run_fused<run_matmul_bias>>},
  };
  return kRows;
}

}  // namespace ompq::ops
