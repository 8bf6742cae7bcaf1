#pragma once

#include "ompq/graph/graph.h"

namespace ompq::onnx_io {

/// Prevents ONNX Runtime from replacing float operators between dequantizers and quantizers by
/// integer ones, which fail with per-axis scales and otherwise round once more. Its optimizer
/// (versions 1.30 and 1.32, qdq_selectors.cc) replaces an operator if all operands come from
/// DequantizeLinear, also a MatMul or a Where of two such operands; and it rounds float weights of
/// an operator whose input comes from a dequantizer with a single scale.
///
/// Such a Conv, ConvTranspose or Gemm without bias gets a bias of zeros; any other operator gets a
/// Max with one operand before its input, an identity that the optimizer does not remove.
/// @param graph  must already have the dequantizers of its weights.
void keep_float_kernels(graph::Graph& graph);
/// The same only for products of codes with one scale and a float weight, in a file for integer
/// kernels (integer_layers.h).
void keep_float_weights(graph::Graph& graph);

}  // namespace ompq::onnx_io
