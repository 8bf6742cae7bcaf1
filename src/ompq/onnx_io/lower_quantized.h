#pragma once

#include "ompq/graph/graph.h"

namespace ompq::onnx_io {

/// True for an operator that reads and produces codes, such as QLinearConv; see lower_operators().
[[nodiscard]] bool is_quantized_operator(const graph::Node& node);

/// Rewrites it as DequantizeLinear, the float operator and QuantizeLinear, if it has that form.
void lower_quantized(graph::Graph& graph, graph::NodeId id);

}  // namespace ompq::onnx_io
