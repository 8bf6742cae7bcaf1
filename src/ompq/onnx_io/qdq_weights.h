#pragma once

#include <map>
#include <string>

#include "ompq/graph/graph.h"
#include "ompq/onnx_io/narrow_codes.h"
#include "ompq/quant/quantized_tensor.h"

namespace ompq::onnx_io {

/// Inserts a DequantizeLinear with an axis before the readers of each quantized constant, the form
/// that other tools read. Codes take one byte: int8 with zero point 0 if code - zero point fits,
/// which is always so with fewer than 8 bits; otherwise uint8 with zero points. Codes use only the
/// levels of their width.
///
/// With `narrowest` 4, weights of up to 4 bits are int4 with zero point 0 if code - zero point is
/// in -8..7, which is always so with fewer than 4 bits; otherwise uint4. With 2, those of up to 2
/// bits are int2 or uint2 in the same way.
/// @param graph  of opset 13 or newer; 21 for 4 bits, 25 for 2.
/// @return the constants (codes and zero points) to write in narrow types.
/// @throws ConfigError for a name that is not a constant of the graph.
NarrowConstants insert_weight_dequantizers(
    graph::Graph& graph,
    const std::map<std::string, quant::QuantizedTensor>& weights,
    int narrowest = kByte);

}  // namespace ompq::onnx_io
