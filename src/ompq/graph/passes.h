#pragma once

#include "ompq/graph/graph.h"

namespace ompq::graph {

/// Folds every BatchNormalization that alone reads a Conv, ConvTranspose or Gemm with constant
/// weights into it (in float64), and those that stand before such an operator without padding where
/// that is exact. A node that got a batch norm carries the attribute `ompq_folded_norm` = 1.
/// @return how many were folded.
int fold_batch_norms(Graph& graph);

/// Removes Identity and Dropout, and merges Add of a constant bias behind a MatMul or bias-free
/// Conv where exact.
/// @return how many nodes went.
int remove_no_ops(Graph& graph);

/// Makes one node of domain "ompq" out of Conv/ConvTranspose/Gemm/MatMul + bias [+ residual Add] [+
/// activation] wherever the values between them have no other reader and are not in `keep` (values
/// that someone wants to see). Fused op types: FusedConv, FusedGemm; attributes of the Conv/Gemm
/// stay; plus `activation` ("", "Relu", "Clip", "LeakyRelu", "HardSwish", "Sigmoid", ...) with
/// `activation_min`/`activation_max` (Clip) or `activation_alpha`; a residual is the fourth input.
/// Also makes FakeQuantize out of QuantizeLinear -> DequantizeLinear pairs. @return how many fused
/// nodes were made.
int fuse(Graph& graph, std::span<const ValueId> keep = {});

}  // namespace ompq::graph
