#pragma once

#include <optional>
#include <string>

#include "ompq/graph/graph.h"

namespace ompq::onnx_io {

/// The opset of packed files: tools require 13 for quantized files.
inline constexpr int kPackedOpset = 13;

/// Converts the network to `opset`, 13 or newer: attributes that became operands (Clip, Pad, Slice,
/// Squeeze, Unsqueeze, Split, ReduceSum and, from opset 18, the other reductions, TopK, Dropout,
/// Upsample), Softmax and its kin over one axis, Upsample and the old Resize as the new Resize,
/// num_outputs of an even Split (18), GridSample's mode names (20), GroupNormalization per channel
/// (21). Nodes that already have the new form are not changed; sub-networks are converted, too. A
/// graph of that opset or a newer one is returned unchanged.
/// @throws UnsupportedOp listing every node for which there is no such form.
[[nodiscard]] graph::Graph upgraded(const graph::Graph& graph, int opset = kPackedOpset);

/// Converts one node from opset `from` to opset `to`. Nodes that this needs are appended, so the
/// graph must be sorted afterwards.
/// @return why there is no such form; nullopt on success.
[[nodiscard]] std::optional<std::string> upgrade_node(graph::Graph& graph,
                                                      graph::NodeId id,
                                                      int from,
                                                      int to);

}  // namespace ompq::onnx_io
