#pragma once

#include "ompq/ops/facts.h"
#include "ompq/ops/run.h"

/// Shared by Conv, ConvTranspose and their fused forms.
namespace ompq::ops {

[[nodiscard]] UnsupportedReason check_conv(const OpContext& context, Facts inputs);
[[nodiscard]] OutputList infer_conv(const OpContext& context, Facts inputs);
[[nodiscard]] Outputs run_conv(const OpContext& context, Inputs inputs);
[[nodiscard]] OutputList infer_conv_transpose(const OpContext& context, Facts inputs);
[[nodiscard]] Outputs run_conv_transpose(const OpContext& context, Inputs inputs);

}  // namespace ompq::ops
