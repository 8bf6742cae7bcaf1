#pragma once

#include "initial_weights.h"
#include "network_plan.h"
#include "ompq/graph/graph.h"

namespace ompq::examples {

/// A plan with its tensors as an ONNX graph: input `input` [N, 1, 28, 28], output `logits` [N, 10],
/// float32, with separate batch normalizations and their running statistics.
[[nodiscard]] graph::Graph to_graph(const NetworkPlan& plan, const TensorMap& tensors);

}  // namespace ompq::examples
