#pragma once

#include "ompq/graph/graph.h"
#include "trainable_network.h"

namespace ompq::examples {

/// The trained network as an ONNX graph: input `input` [N, 1, 28, 28], output `logits` [N, 10],
/// float32, batch normalizations as operators of their own with their running statistics.
[[nodiscard]] graph::Graph to_graph(const TrainableNetwork& network);

}  // namespace ompq::examples
