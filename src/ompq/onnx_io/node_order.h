#pragma once

#include <vector>

#include <onnx/onnx_pb.h>

namespace ompq::onnx_io {

/// The nodes of a graph in an order that depends only on its data flow: a depth-first post-order
/// from the outputs, first inputs first. Files that differ only in the order of their nodes give
/// the same result. Nodes that no output needs come last, in file order. A graph with a cycle gets
/// some order; Graph::sort() reports the cycle.
[[nodiscard]] std::vector<const onnx::NodeProto*> in_order_of_use(const onnx::GraphProto& graph);

}  // namespace ompq::onnx_io
