#pragma once

#include "ompq/graph/graph.h"
#include "ompq/onnx_io/tensor_proto.h"

namespace ompq::onnx_io {

/// Refuses constants that show a failed training: NaN anywhere, and infinity except in scalars and
/// in constants that are only masks or limits (an attention mask added to scores, the bounds of a
/// Clip).
/// @throws ImportError naming the tensor and the index of the first such element.
void check_weights(const graph::Graph& graph, const ModelPlace& place);

}  // namespace ompq::onnx_io
