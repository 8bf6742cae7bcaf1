#pragma once

#include <map>
#include <set>
#include <string>

#include "ompq/graph/graph.h"
#include "ompq/quant/quantized_tensor.h"

namespace ompq::onnx_io {

/// Puts a DequantizeLinear with an axis in front of every reader of a quantized constant, the form
/// that other tools read. Codes lie one a byte: int8 with zero point 0 where code - zero point
/// fits, which is wherever there are fewer than 8 bits; uint8 with its zero points elsewhere. Only
/// the width's own levels occur.
///
/// With `four_bits`, weights of 4 bits and fewer are int4 with zero point 0 where code - zero point
/// fits -8..7, which is wherever there are fewer than 4 bits, and uint4 elsewhere.
/// @param graph  of opset 13 or newer; 21 for four bits.
/// @return names of the constants, codes and zero points, to be written two a byte
/// (write_four_bit_tensor); in the graph they take a byte each.
/// @throws ConfigError for a name that is no constant of the graph.
std::set<std::string> insert_weight_dequantizers(
    graph::Graph& graph,
    const std::map<std::string, quant::QuantizedTensor>& weights,
    bool four_bits = false);

}  // namespace ompq::onnx_io
