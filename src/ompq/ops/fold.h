#pragma once

#include <memory>
#include <span>
#include <vector>

#include "ompq/graph/graph.h"
#include "ompq/ops/fold_budget.h"

namespace ompq::ops {

/// Computes values that depend only on constants by running the operators before them, each once;
/// intermediate tensors are freed after their last reader. The graph must be sorted and typed.
/// @return in the order of `values`.
/// @throws ShapeError naming the node that fails, or that needs more memory than the network's file
/// may take.
[[nodiscard]] std::vector<Tensor> evaluate_constants(const graph::Graph& graph,
                                                     std::span<const graph::ValueId> values);
/// The same within a budget that has more consumers; the results stay counted in it.
[[nodiscard]] std::vector<Tensor> evaluate_constants(const graph::Graph& graph,
                                                     std::span<const graph::ValueId> values,
                                                     FoldBudget& budget);
[[nodiscard]] Tensor evaluate_constant(const graph::Graph& graph, graph::ValueId value);

/// True for a DequantizeLinear, whose integers are kept with its folded result.
[[nodiscard]] bool is_decoder(const graph::Node& node);
/// The integers of a folded DequantizeLinear of int8 with a scale for each slice and no zero points
/// other than 0; null for others. @param zero_points  empty: none.
[[nodiscard]] std::shared_ptr<const graph::Levels> decoded_levels(const graph::Node& node,
                                                                  const Tensor& numbers,
                                                                  const Tensor& scale,
                                                                  const Tensor& zero_points);

}  // namespace ompq::ops
