#pragma once

#include "ompq/graph/graph.h"

namespace ompq::onnx_io {

/// An operator that reads and makes codes, such as QLinearConv; see lower_operators().
[[nodiscard]] bool is_quantized_operator(const graph::Node& node);

/// Writes it as DequantizeLinear, the operator over floats and QuantizeLinear, if it has that form.
void lower_quantized(graph::Graph& graph, graph::NodeId id);

}  // namespace ompq::onnx_io
