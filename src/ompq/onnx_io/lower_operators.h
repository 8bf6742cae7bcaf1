#pragma once

#include "ompq/graph/graph.h"

namespace ompq::onnx_io {

/// Decomposes fused operators of runtimes and quantizers, so that their layers can be quantized:
///   - of com.microsoft: FusedConv and FusedGemm into the product and its activation; FusedMatMul
///     with a constant right operand; BiasGelu and FastGelu with a bias into Add and the
///     activation; SkipLayerNormalization and SkipSimplifiedLayerNormalization into Add and the
///     norm;
///   - operators on codes (QLinearConv, QLinearMatMul; of com.microsoft QGemm, QLinearAdd,
///     QLinearMul, QLinearConcat, QLinearSigmoid, QLinearLeakyRelu, QLinearSoftmax,
///     QLinearAveragePool, QLinearGlobalAveragePool) into DequantizeLinear, the float
///     operator and QuantizeLinear. Constant weights are dequantized.
///   - sequences of tensors that are only intermediate (lower_sequences()).
/// The operator itself keeps the node's name. Nodes without such a form are kept, for the operator
/// check to report.
void lower_operators(graph::Graph& graph);

}  // namespace ompq::onnx_io
