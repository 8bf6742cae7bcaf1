#pragma once

#include <span>
#include <unordered_map>
#include <vector>

#include <ATen/ATen.h>

#include "ompq/graph/graph.h"

namespace ompq::runtime {

/// Tensors by value of a graph.
using Bindings = std::unordered_map<graph::ValueId, at::Tensor>;

/// A graph, or any part of it, as a differentiable function of tensors. It runs the same nodes as
/// Executor, with LibTorch's differentiable kernels.
class DifferentiableGraph {
 public:
  /// @throws UnsupportedOp for an unsupported node.
  explicit DifferentiableGraph(const graph::Graph& graph);

  /// Computes the values `wanted` from `bound`. The producers of bound values do not run. So a
  /// layer's weight (a constant) can be bound to a fake-quantized one that requires a gradient, and
  /// only a block runs if its input is bound and its output wanted. 4-D tensors should be
  /// channels_last. Gradients are recorded according to LibTorch's grad mode.
  /// @throws ConfigError naming a network input that is needed but not bound.
  [[nodiscard]] std::vector<at::Tensor> evaluate(const Bindings& bound,
                                                 std::span<const graph::ValueId> wanted) const;

  [[nodiscard]] const graph::Graph& graph() const { return graph_; }

 private:
  [[nodiscard]] std::vector<graph::NodeId> nodes_between(
      const Bindings& bound, std::span<const graph::ValueId> wanted) const;

  graph::Graph graph_;
  Bindings constants_;
};

}  // namespace ompq::runtime
