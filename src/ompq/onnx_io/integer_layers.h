#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "ompq/graph/graph.h"
#include "ompq/quant/quantized_tensor.h"

namespace ompq::onnx_io {

/// How a file for integer kernels is written, for runtimes that differ from ONNX Runtime on a CPU.
struct KernelForm {
  bool signed_codes = false;  ///< activations as int8 codes instead of uint8
  bool float_bias = false;    ///< biases stay float32
  /// Every scale and zero point is an initializer, and weights are int8 in every opset: converters
  /// neither fold constants nor read other types.
  bool plain = false;
  bool keep_bounds = false;  ///< Relu and Clip are written although the quantizer performs them
};

/// A weight as constants for integer kernels.
struct IntegerWeight {
  std::string weight;                       ///< name of the float weight that it replaces
  graph::ValueId levels = graph::kNoValue;  ///< int8, the weight's shape
  graph::ValueId scale = graph::kNoValue;   ///< float32, one for each output channel
  graph::ValueId bias = graph::kNoValue;    ///< int32, of the first reader; kNoValue: none
  bool doubled = false;                     ///< levels are odd numbers, scales are halves
};

/// Rewrites each Conv, Gemm and MatMul that reads codes with one scale and a quantized weight into
/// the form that ONNX Runtime and OpenVINO replace by integer kernels:
///
///     weight = DequantizeLinear(levels, scale)            along the axis of output channels
///     bias   = DequantizeLinear(int32, activation scale x scale)
///
/// Conditions (checked in ONNX Runtime 1.32): every reader of the weight is such an operator, the
/// levels fit int8, and the bias consists of multiples of activation scale x scale that fit int32.
/// Gemm needs a zero point of the weight, and a MatMul of a matrix must not be followed by a float
/// bias directly. Other layers are not changed. With KernelForm::float_bias, the bias is unchanged,
/// and may have any values.
/// @param weights  by value name. @return the rewritten weights.
[[nodiscard]] std::vector<IntegerWeight> insert_integer_layers(
    graph::Graph& graph,
    const std::map<std::string, quant::QuantizedTensor>& weights,
    const KernelForm& form = {});

}  // namespace ompq::onnx_io
