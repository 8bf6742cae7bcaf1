#pragma once

#include <map>
#include <span>
#include <string>

#include "ompq/core/bit_width.h"
#include "ompq/graph/graph.h"
#include "ompq/onnx_io/integer_layers.h"
#include "ompq/quant/quantized_tensor.h"

namespace ompq::onnx_io {

/// Constants of int8 or uint8 in memory that the file stores in types of fewer bits
/// (write_narrow_tensor): bits of an element by name.
using NarrowConstants = std::map<std::string, int>;

/// Bits of the types that every opset has.
inline constexpr int kByte = 8;

/// The width of the type that holds the codes, or the levels if they are normal levels: 8, 4 or 2,
/// not less than `narrowest`.
[[nodiscard]] int container_of(const quant::QuantParams& params, int narrowest);

/// Stores the levels of integer layers in narrow types and converts them to int8 by nodes that
/// runtimes fold when they create a session, so that integer kernels still read int8:
///
///     levels = Cast int8 (int4 or int2)                                  if all levels fit
///     levels = Cast int8 (Cast float (uint4 or uint2) - Cast float (zero points))
///
/// ONNX Runtime (1.32) decodes a DequantizeLinear of a 4-bit constant at every run, and refuses one
/// of a 2-bit constant where it expects an integer kernel. Levels fit if the weight has fewer bits
/// than the type, or is symmetric: the form does not depend on the codes.
/// @param weights  by name, those of `layers` among them.
/// @param narrowest  bits of the narrowest type, see container_of().
[[nodiscard]] NarrowConstants narrow_levels(
    graph::Graph& graph,
    std::span<const IntegerWeight> layers,
    const std::map<std::string, quant::QuantizedTensor>& weights,
    int narrowest);

}  // namespace ompq::onnx_io
