#pragma once

#include <vector>

#include "ompq/graph/graph.h"

namespace ompq::ops {

/// Computes a value that depends on constants alone by running the operators before it, whose
/// intermediate tensors are freed after their last reader. The graph must be sorted and typed.
/// @throws ShapeError naming the node that fails.
[[nodiscard]] Tensor evaluate_constant(const graph::Graph& graph, graph::ValueId value);

}  // namespace ompq::ops
