#pragma once

#include "ompq/graph/graph.h"
#include "ompq/onnx_io/tensor_proto.h"

namespace ompq::onnx_io {

/// Refuses constants that can only come from a training that failed: NaN anywhere, infinity
/// anywhere but in a single number or in what only masks and limits read (an attention mask added
/// to scores, the bounds of a Clip).
/// @throws ImportError naming the tensor and the first such element's index.
void check_weights(const graph::Graph& graph, const ModelPlace& place);

}  // namespace ompq::onnx_io
