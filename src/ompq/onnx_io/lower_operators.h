#pragma once

#include "ompq/graph/graph.h"

namespace ompq::onnx_io {

/// Takes apart what runtimes and quantizers join, so that the layers in it are seen:
///   - of com.microsoft: FusedConv and FusedGemm into the product and its activation; FusedMatMul
///     with a constant right operand; BiasGelu and FastGelu with a bias into Add and the
///     activation; SkipLayerNormalization and SkipSimplifiedLayerNormalization into Add and the
///     norm;
///   - operators over codes (QLinearConv, QLinearMatMul; of com.microsoft QGemm, QLinearAdd,
///     QLinearMul, QLinearConcat, QLinearSigmoid, QLinearLeakyRelu, QLinearSoftmax,
///     QLinearAveragePool, QLinearGlobalAveragePool) into what they mean: DequantizeLinear, the
///     operator over floats, QuantizeLinear. Constant weights become float ones.
///   - sequences of tensors that only stand between (lower_sequences()).
/// The operator itself keeps the node's name. What has no such form stays, for the operator check.
void lower_operators(graph::Graph& graph);

}  // namespace ompq::onnx_io
