#pragma once

#include "ompq/graph/graph.h"

namespace ompq::onnx_io {

/// Keeps ONNX Runtime from putting integer operators in place of float ones between dequantizers
/// and quantizers: with one scale for each slice these fail to run, and otherwise round again. Its
/// optimizer (read in 1.30 and 1.32, qdq_selectors.cc) takes an operator all of whose operands come
/// from DequantizeLinear, a MatMul of two such, or a Where of two; and it rounds float weights
/// where a dequantizer of one scale comes before them.
///
/// Such a Conv, ConvTranspose or Gemm without bias gets one of zeros; before any other stands a Max
/// of one operand, which changes nothing and which that optimizer leaves.
/// @param graph  with dequantizers for weights, if it is to have any.
void keep_float_kernels(graph::Graph& graph);

}  // namespace ompq::onnx_io
