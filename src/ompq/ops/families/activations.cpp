#include <cmath>

#include <fmt/format.h>

#include "ompq/core/error.h"
#include "ompq/ops/facts.h"
#include "ompq/ops/families/families.h"
#include "ompq/ops/run.h"

namespace ompq::ops {
namespace {

constexpr float kSeluAlpha = 1.67326319217681884765625F;
constexpr float kSeluGamma = 1.05070102214813232421875F;

at::Tensor sigmoid(const at::Tensor& x) { return at::sigmoid(x); }
at::Tensor relu(const at::Tensor& x) { return at::relu(x); }
at::Tensor hard_swish(const at::Tensor& x) { return at::hardswish(x); }
/// LibTorch's version is linear above 20; this one is accurate and stable for any x.
at::Tensor soft_plus(const at::Tensor& x) { return at::logaddexp(x, at::zeros({}, x.options())); }
at::Tensor mish(const at::Tensor& x) { return x * at::tanh(soft_plus(x)); }

/// LibTorch 1.13 computes the gradient of the exact version with oneDNN. If the output's gradient
/// has another memory layout than x, as after a Transpose, it returns uninitialized memory.
at::Tensor differentiable_gelu(const at::Tensor& x, c10::string_view approximation = "none") {
  at::Tensor y = at::gelu(x, approximation);
  if (y.requires_grad()) {
    y.register_hook([](const at::Tensor& gradient) { return gradient.contiguous(); });
  }
  return y;
}

at::Tensor hard_sigmoid(const at::Tensor& x, float alpha, float beta) {
  return at::clamp(x * alpha + beta, 0, 1);
}

float alpha_of(const OpContext& context, float fallback) {
  return context.node.float_attribute("alpha", fallback);
}

Outputs run_leaky_relu(const OpContext& context, Inputs inputs) {
  return {at::leaky_relu(inputs[0], alpha_of(context, 0.01F))};
}

Outputs run_elu(const OpContext& context, Inputs inputs) {
  return {at::elu(inputs[0], alpha_of(context, 1.0F))};
}

Outputs run_selu(const OpContext& context, Inputs inputs) {
  const float alpha = alpha_of(context, kSeluAlpha);
  return {at::elu(inputs[0], alpha, context.node.float_attribute("gamma", kSeluGamma))};
}

Outputs run_celu(const OpContext& context, Inputs inputs) {
  return {at::celu(inputs[0], alpha_of(context, 1.0F))};
}

Outputs run_thresholded_relu(const OpContext& context, Inputs inputs) {
  return {at::threshold(inputs[0], alpha_of(context, 1.0F), 0)};
}

Outputs run_hard_sigmoid(const OpContext& context, Inputs inputs) {
  return {
      hard_sigmoid(inputs[0], alpha_of(context, 0.2F), context.node.float_attribute("beta", 0.5F))};
}

Outputs run_gelu(const OpContext& context, Inputs inputs) {
  return {differentiable_gelu(inputs[0], context.node.string_attribute("approximate", "none"))};
}

UnsupportedReason check_gelu(const OpContext& context, Facts inputs) {
  const std::string mode = context.node.string_attribute("approximate", "none");
  if (mode != "none" && mode != "tanh") return fmt::format("approximate '{}' is unknown", mode);
  return needs_float(context, inputs);
}

/// com.microsoft's, always exact.
Outputs run_exact_gelu(const OpContext&, Inputs inputs) { return {differentiable_gelu(inputs[0])}; }

/// com.microsoft's FastGelu, whose bias is optional.
Outputs run_fast_gelu(const OpContext&, Inputs inputs) {
  const at::Tensor bias = input(inputs, 1);
  return {differentiable_gelu(bias.defined() ? inputs[0] + bias : inputs[0], "tanh")};
}

at::Tensor swish(const at::Tensor& x, float alpha) { return x * at::sigmoid(alpha * x); }

Outputs run_swish(const OpContext& context, Inputs inputs) {
  return {swish(inputs[0], alpha_of(context, 1.0F))};
}

/// com.microsoft's QuickGelu: a Swish that approximates GELU.
Outputs run_quick_gelu(const OpContext& context, Inputs inputs) {
  return {swish(inputs[0], alpha_of(context, 1.702F))};
}

Outputs run_swi_glu(const OpContext& context, Inputs inputs) {
  return {swish(inputs[0], alpha_of(context, 1.0F)) * inputs[1]};
}

OutputList infer_swi_glu(const OpContext& context, Facts inputs) {
  if (inputs[0].shape != inputs[1].shape) {
    fail(context,
         fmt::format("its gate has shape {}, its values {}",
                     graph::to_string(inputs[0].shape),
                     graph::to_string(inputs[1].shape)));
  }
  return same_as_first(context, inputs);
}

Outputs run_shrink(const OpContext& context, Inputs inputs) {
  const at::Tensor& x = inputs[0];
  const float bias = context.node.float_attribute("bias", 0.0F);
  const float threshold = context.node.float_attribute("lambd", 0.5F);
  const at::Tensor zero = at::zeros({}, x.options());
  return {at::where(x < -threshold, x + bias, at::where(x > threshold, x - bias, zero))};
}

/// The slope broadcasts to the input, not vice versa.
OutputList infer_prelu(const OpContext& context, Facts inputs) {
  if (broadcast(context, inputs[0].shape, inputs[1].shape) != inputs[0].shape) {
    fail(context,
         fmt::format("a slope of shape {} does not broadcast to {}",
                     graph::to_string(inputs[1].shape),
                     graph::to_string(inputs[0].shape)));
  }
  return same_as_first(context, inputs);
}

Outputs run_prelu(const OpContext&, Inputs inputs) {
  const at::Tensor& x = inputs[0];
  return {at::clamp_min(x, 0) + inputs[1].to(x.scalar_type()) * at::clamp_max(x, 0)};
}

// --- Clip: bounds in attributes before opset 11 and in fused nodes, else in inputs
// -----------------------------

/// Bounds that a narrow type cannot represent (such as the largest float32, written for "none")
/// have no effect.
c10::optional<at::Scalar> reachable(const at::Tensor& x, double bound) {
  constexpr double kLargestBFloat16 = 0x1.FEp127;
  if (x.scalar_type() == at::kBFloat16 && std::abs(bound) > kLargestBFloat16) return c10::nullopt;
  return at::Scalar(bound);
}

at::Tensor clamped(const at::Tensor& x,
                   const c10::optional<at::Scalar>& low,
                   const c10::optional<at::Scalar>& high) {
  return low || high ? at::clamp(x, low, high) : x;
}

Outputs run_clip(const OpContext& context, Inputs inputs) {
  const at::Tensor& x = inputs[0];
  const auto written = [&](std::string_view name) -> c10::optional<at::Scalar> {
    if (!context.node.has_attribute(name)) return c10::nullopt;
    return reachable(x, context.node.float_attribute(name, 0.0F));
  };
  const bool attributes = context.node.has_attribute("min") || context.node.has_attribute("max");
  if (context.opset < 11 || attributes) return {clamped(x, written("min"), written("max"))};
  const auto given = [&](std::size_t index) -> c10::optional<at::Scalar> {
    const at::Tensor bound = input(inputs, index);
    if (!bound.defined()) return c10::nullopt;
    if (!at::isFloatingType(x.scalar_type())) return bound.item();
    return reachable(x, bound.item().toDouble());
  };
  return {clamped(x, given(1), given(2))};
}

UnsupportedReason check_clip(const OpContext&, Facts inputs) {
  for (std::size_t i = 1; i < inputs.size(); ++i) {
    const auto count = inputs[i].known ? product(inputs[i].shape) : std::nullopt;
    if (inputs[i].present && inputs[i].known && count != Dim::fixed(1)) {
      return fmt::format("its bound (input {}) has shape {}, not one element",
                         i,
                         graph::to_string(inputs[i].shape));
    }
  }
  return std::nullopt;
}

}  // namespace

std::span<const Operator> activation_operators() {
  static constexpr Operator kRows[] = {
      {"Relu", "", 7, 1, 1, always_supported, same_as_first, in_bfloat16<unary<relu>>},
      {"Clip", "", 7, 1, 1, check_clip, same_as_first, in_bfloat16<run_clip>},
      {"LeakyRelu", "", 7, 1, 1, needs_float, same_as_first, in_bfloat16<run_leaky_relu>},
      {"PRelu", "", 7, 2, 1, needs_float, infer_prelu, in_bfloat16<run_prelu>},
      {"Sigmoid", "", 7, 1, 1, needs_float, same_as_first, in_bfloat16<unary<sigmoid>>},
      {"HardSigmoid", "", 7, 1, 1, needs_float, same_as_first, in_bfloat16<run_hard_sigmoid>},
      {"HardSwish", "", 14, 1, 1, needs_float, same_as_first, in_float32<unary<hard_swish>>},
      {"Elu", "", 7, 1, 1, needs_float, same_as_first, in_float32<run_elu>},
      {"Selu", "", 7, 1, 1, needs_float, same_as_first, in_float32<run_selu>},
      {"Celu", "", 12, 1, 1, needs_float, same_as_first, in_float32<run_celu>},
      {"Softplus", "", 7, 1, 1, needs_float, same_as_first, in_float32<unary<soft_plus>>},
      {"Mish", "", 18, 1, 1, needs_float, same_as_first, in_float32<unary<mish>>},
      {"Gelu", "", 20, 1, 1, check_gelu, same_as_first, in_float32<run_gelu>},
      {"ThresholdedRelu",
       "",
       10,
       1,
       1,
       needs_float,
       same_as_first,
       in_float32<run_thresholded_relu>},
      {"Swish", "", 24, 1, 1, needs_float, same_as_first, in_float32<run_swish>},
      {"SwiGLU", "", 28, 2, 1, needs_float, infer_swi_glu, in_float32<run_swi_glu>},
      {"Gelu", kMicrosoft, 1, 1, 1, needs_float, same_as_first, in_float32<run_exact_gelu>},
      {"FastGelu", kMicrosoft, 1, 1, 1, needs_float, same_as_first, in_float32<run_fast_gelu>},
      {"QuickGelu", kMicrosoft, 1, 1, 1, needs_float, same_as_first, in_float32<run_quick_gelu>},
      {"Shrink", "", 9, 1, 1, needs_float, same_as_first, in_float32<run_shrink>},
  };
  return kRows;
}

}  // namespace ompq::ops
