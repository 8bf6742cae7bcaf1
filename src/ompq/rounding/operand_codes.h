#pragma once

#include <functional>
#include <string_view>

#include "ompq/graph/graph.h"
#include "ompq/quant/quant_params.h"

namespace ompq::rounding {

/// The operator that computes the same with a constant of codes: Add for Sub, Mul for Div, the
/// node's own for others.
[[nodiscard]] std::string_view form_with_codes(const graph::Node& node);

/// 8 bits with one scale for a constant operand. A constant of zeros and one other number is exact.
[[nodiscard]] quant::QuantParams operand_params(const Tensor& constant);

/// Replaces the float32 constants of operators that run on codes (targets::constants_on_codes) by
/// DequantizeLinear nodes of uint8 constants. A Sub becomes an Add of the negative constant, a Div
/// a Mul by the reciprocal, and the constant of an Add or Mul its second operand: ONNX Runtime has
/// integer kernels of Add and Mul, and adds in another order if the first operand is repeated.
/// Call it before quantizers are inserted.
/// @return the number of replaced operands.
int insert_operand_codes(graph::Graph& graph,
                         const std::function<bool(graph::ValueId)>& is_quantized);

}  // namespace ompq::rounding
