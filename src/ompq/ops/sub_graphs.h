#pragma once

#include <span>
#include <vector>

#include <ATen/ATen.h>

#include "ompq/graph/graph.h"
#include "ompq/ops/operator.h"

/// Helpers for sub-networks of If, Loop and Scan, shared by shape rules and executions.
namespace ompq::ops {

/// The output facts of `inside` for input facts `inputs`.
/// @throws UnsupportedOp, ShapeError as infer_and_fold() does.
[[nodiscard]] std::vector<OutputFacts> infer_sub_graph(const graph::Graph& inside,
                                                       std::span<const InputFacts> inputs);

/// Runs the nodes of `inside` in order. Differentiable if its operators are.
/// @return its outputs, in order.
[[nodiscard]] std::vector<at::Tensor> run_sub_graph(const graph::Graph& inside,
                                                    std::span<const at::Tensor> inputs);

}  // namespace ompq::ops
