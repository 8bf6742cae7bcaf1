#pragma once

#include <map>
#include <set>
#include <string>

#include "ompq/graph/graph.h"
#include "ompq/quant/quantized_tensor.h"

namespace ompq::onnx_io {

/// Inserts a DequantizeLinear with an axis before the readers of each quantized constant, the form
/// that other tools read. Codes take one byte: int8 with zero point 0 if code - zero point fits,
/// which is always so with fewer than 8 bits; otherwise uint8 with zero points. Codes use only the
/// levels of their width.
///
/// With `four_bits`, weights of up to 4 bits are int4 with zero point 0 if code - zero point is in
/// -8..7, which is always so with fewer than 4 bits; otherwise uint4.
/// @param graph  of opset 13 or newer; 21 with `four_bits`.
/// @return names of the constants (codes and zero points) to write two per byte
/// (write_four_bit_tensor); in the graph they take a byte each.
/// @throws ConfigError for a name that is not a constant of the graph.
std::set<std::string> insert_weight_dequantizers(
    graph::Graph& graph,
    const std::map<std::string, quant::QuantizedTensor>& weights,
    bool four_bits = false);

}  // namespace ompq::onnx_io
