#pragma once

#include <span>
#include <vector>

#include <ATen/ATen.h>

#include "ompq/graph/graph.h"
#include "ompq/ops/operator.h"

/// Sub-networks of If, Loop and Scan: what their shape rules and executions share.
namespace ompq::ops {

/// What `inside` makes of inputs that are known as `inputs` says.
/// @throws UnsupportedOp, ShapeError as infer_and_fold() does.
[[nodiscard]] std::vector<OutputFacts> infer_sub_graph(const graph::Graph& inside,
                                                       std::span<const InputFacts> inputs);

/// Runs every node of `inside`, one after the other. Differentiable where its operators are.
/// @return its outputs, in order.
[[nodiscard]] std::vector<at::Tensor> run_sub_graph(const graph::Graph& inside,
                                                    std::span<const at::Tensor> inputs);

}  // namespace ompq::ops
