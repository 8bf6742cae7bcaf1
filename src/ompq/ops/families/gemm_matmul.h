#pragma once

#include "ompq/ops/facts.h"
#include "ompq/ops/run.h"

/// Shared by Gemm, MatMul and their fused forms.
namespace ompq::ops {

[[nodiscard]] OutputList infer_gemm(const OpContext& context, Facts inputs);
[[nodiscard]] Outputs run_gemm(const OpContext& context, Inputs inputs);
[[nodiscard]] OutputList infer_matmul(const OpContext& context, Facts inputs);
[[nodiscard]] Outputs run_matmul(const OpContext& context, Inputs inputs);

}  // namespace ompq::ops
