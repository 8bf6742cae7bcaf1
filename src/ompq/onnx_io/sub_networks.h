#pragma once

#include <set>
#include <string>
#include <vector>

#include "ompq/onnx_io/tensor_proto.h"

namespace ompq::onnx_io {

/// True for If, Loop and Scan, whose sub-networks are read; those of other operators are not.
[[nodiscard]] bool has_read_sub_networks(const onnx::NodeProto& node);

/// Number of the node's own operands, including trailing omitted ones; captured values follow them.
[[nodiscard]] int own_operands(const onnx::NodeProto& node);

/// The outer names that the sub-networks of `node` read, each once, in the order of first use.
[[nodiscard]] std::vector<std::string> captured_names(const onnx::NodeProto& node);

/// Indices of the nodes that the graph's outputs depend on.
[[nodiscard]] std::set<int> live_nodes(const onnx::GraphProto& graph);

}  // namespace ompq::onnx_io
