#pragma once

#include <span>

#include "ompq/ops/operator.h"

/// Each family of operators is in its own file; operator_table.cpp combines them.
namespace ompq::ops {

[[nodiscard]] std::span<const Operator> activation_operators();
[[nodiscard]] std::span<const Operator> bit_operators();
[[nodiscard]] std::span<const Operator> casting_operators();
[[nodiscard]] std::span<const Operator> attention_operators();
[[nodiscard]] std::span<const Operator> control_flow_operators();
[[nodiscard]] std::span<const Operator> conv_operators();
[[nodiscard]] std::span<const Operator> einsum_operators();
[[nodiscard]] std::span<const Operator> elementwise_binary_operators();
[[nodiscard]] std::span<const Operator> elementwise_unary_operators();
[[nodiscard]] std::span<const Operator> fused_operators();
[[nodiscard]] std::span<const Operator> gemm_matmul_operators();
[[nodiscard]] std::span<const Operator> joining_operators();
[[nodiscard]] std::span<const Operator> logic_operators();
[[nodiscard]] std::span<const Operator> normalization_operators();
[[nodiscard]] std::span<const Operator> padding_operators();
[[nodiscard]] std::span<const Operator> pooling_operators();
[[nodiscard]] std::span<const Operator> quantize_linear_operators();
[[nodiscard]] std::span<const Operator> recurrent_operators();
[[nodiscard]] std::span<const Operator> reduction_operators();
[[nodiscard]] std::span<const Operator> reshaping_operators();
[[nodiscard]] std::span<const Operator> resize_operators();
[[nodiscard]] std::span<const Operator> selection_operators();
[[nodiscard]] std::span<const Operator> sequence_operators();
[[nodiscard]] std::span<const Operator> slicing_operators();
[[nodiscard]] std::span<const Operator> softmax_operators();

}  // namespace ompq::ops
