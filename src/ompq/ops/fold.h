#pragma once

#include <span>
#include <vector>

#include "ompq/graph/graph.h"

namespace ompq::ops {

/// Computes values that depend only on constants by running the operators before them, each once;
/// intermediate tensors are freed after their last reader. The graph must be sorted and typed.
/// @return in the order of `values`.
/// @throws ShapeError naming the node that fails.
[[nodiscard]] std::vector<Tensor> evaluate_constants(const graph::Graph& graph,
                                                     std::span<const graph::ValueId> values);
[[nodiscard]] Tensor evaluate_constant(const graph::Graph& graph, graph::ValueId value);

}  // namespace ompq::ops
