#pragma once

#include <optional>
#include <string>

#include "ompq/graph/graph.h"

namespace ompq::onnx_io {

/// What packed weights need: BitShift is of opset 11, and 13 is what tools ask of quantized files.
inline constexpr int kPackedOpset = 13;

/// The same network in the forms of `opset`, 13 or newer: attributes that became operands (Clip,
/// Pad, Slice, Squeeze, Unsqueeze, Split, ReduceSum and, from opset 18, the other reductions, TopK,
/// Dropout, Upsample), Softmax and its kin over one axis, Upsample and the old Resize as the new
/// Resize, an even Split that names its parts (18), GridSample's names of modes (20),
/// GroupNormalization by channels (21). Nodes that have the new form already stay as they are, and
/// sub-networks are carried along. A graph of that opset or a newer one comes back unchanged.
/// @throws UnsupportedOp listing every node for which there is no such form.
[[nodiscard]] graph::Graph upgraded(const graph::Graph& graph, int opset = kPackedOpset);

/// Gives one node, which belongs to opset `from`, its form in opset `to`; nodes that this takes are
/// appended, so the graph must be sorted afterwards.
/// @return why there is no such form; nothing if there is.
[[nodiscard]] std::optional<std::string> upgrade_node(graph::Graph& graph,
                                                      graph::NodeId id,
                                                      int from,
                                                      int to);

}  // namespace ompq::onnx_io
