#pragma once

#include <set>
#include <string>
#include <vector>

#include "ompq/onnx_io/tensor_proto.h"

namespace ompq::onnx_io {

/// True for If, Loop and Scan, whose sub-networks are read; those of other operators are not.
[[nodiscard]] bool has_read_sub_networks(const onnx::NodeProto& node);

/// How many operands the node itself has, whether or not they are left out at the end; what its
/// sub-networks capture comes after them.
[[nodiscard]] int own_operands(const onnx::NodeProto& node);

/// What the sub-networks of `node` read of the network around it, each name once, in the order in
/// which it is met.
[[nodiscard]] std::vector<std::string> captured_names(const onnx::NodeProto& node);

/// Nodes that the graph's outputs depend on, by their place.
[[nodiscard]] std::set<int> live_nodes(const onnx::GraphProto& graph);

}  // namespace ompq::onnx_io
