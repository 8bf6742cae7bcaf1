#pragma once

#include <map>
#include <string>

#include "ompq/graph/graph.h"
#include "ompq/quant/quantized_tensor.h"

namespace ompq::onnx_io {

/// Puts a DequantizeLinear with an axis in front of every reader of a quantized constant, the form
/// that other tools read. Codes lie one a byte: int8 with zero point 0 where code - zero point
/// fits, which is wherever there are fewer than 8 bits; uint8 with its zero points elsewhere. Only
/// the width's own levels occur.
/// @param graph  of opset 13 or newer.
/// @throws ConfigError for a name that is no constant of the graph.
void insert_weight_dequantizers(graph::Graph& graph,
                                const std::map<std::string, quant::QuantizedTensor>& weights);

}  // namespace ompq::onnx_io
