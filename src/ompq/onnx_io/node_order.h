#pragma once

#include <vector>

#include <onnx/onnx_pb.h>

namespace ompq::onnx_io {

/// The nodes of a graph in an order that its data flow alone decides: each as late as its first
/// reader allows, seen from the outputs, inputs before their reader and first inputs first. Files
/// that differ in nothing but the order of their nodes are read alike. Nodes that no output needs
/// come last, as the file has them. A graph with a cycle comes out in some order; whoever sorts it
/// says so.
[[nodiscard]] std::vector<const onnx::NodeProto*> in_order_of_use(const onnx::GraphProto& graph);

}  // namespace ompq::onnx_io
