#pragma once

#include <optional>
#include <span>
#include <vector>

#include <ATen/ATen.h>

#include "ompq/ops/operator.h"

/// Helpers for the execution of operators.
namespace ompq::ops {

using Inputs = std::span<const at::Tensor>;
using Outputs = std::vector<at::Tensor>;
using RunFunction = Outputs (*)(const OpContext&, Inputs);

/// The input, or an undefined tensor past the end.
[[nodiscard]] at::Tensor input(Inputs inputs, std::size_t index);
/// As LibTorch's optional type.
[[nodiscard]] c10::optional<at::Tensor> optional_input(Inputs inputs, std::size_t index);
/// Integer elements of an input on any device.
[[nodiscard]] std::vector<std::int64_t> integers(const at::Tensor& tensor);
/// The ints attribute `name` or, from `input_since` on, the integers of input `index`; nullopt if
/// absent.
[[nodiscard]] std::optional<std::vector<std::int64_t>> ints_from(
    const OpContext&, Inputs inputs, std::string_view name, std::size_t index, int input_since);

/// `result` in channels_last where `model` is 4-D channels_last.
[[nodiscard]] at::Tensor in_format_of(const at::Tensor& model, const at::Tensor& result);
/// Moves the axis into 0..rank-1.
[[nodiscard]] inline std::int64_t positive_axis(std::int64_t axis, std::int64_t rank) {
  return axis < 0 ? axis + rank : axis;
}

/// The narrow float types that a kernel supports; others are computed in float32 and converted
/// back.
enum class Native { None, BFloat16 };
[[nodiscard]] Outputs run_widened(RunFunction run,
                                  Native native,
                                  const OpContext& context,
                                  Inputs inputs);

/// float16 and bfloat16 are computed in float32.
template <RunFunction Run>
Outputs in_float32(const OpContext& context, Inputs inputs) {
  return run_widened(Run, Native::None, context, inputs);
}
/// bfloat16 is computed directly; float16, for which LibTorch has few CPU kernels, in float32.
template <RunFunction Run>
Outputs in_bfloat16(const OpContext& context, Inputs inputs) {
  return run_widened(Run, Native::BFloat16, context, inputs);
}

/// Rows for functions of one tensor: `unary<[](const at::Tensor& x) { return at::erf(x); }>`.
template <auto Function>
Outputs unary(const OpContext&, Inputs inputs) {
  return {Function(inputs[0])};
}
template <auto Function>
Outputs binary(const OpContext&, Inputs inputs) {
  return {Function(inputs[0], inputs[1])};
}

}  // namespace ompq::ops
