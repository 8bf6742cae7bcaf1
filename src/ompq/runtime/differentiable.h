#pragma once

#include <span>
#include <unordered_map>
#include <vector>

#include <ATen/ATen.h>

#include "ompq/graph/graph.h"

namespace ompq::runtime {

/// Tensors that stand for values of a graph.
using Bindings = std::unordered_map<graph::ValueId, at::Tensor>;

/// A graph, or any part of it, as a function of tensors that gradients flow through. The nodes are
/// those that Executor runs, by LibTorch's kernels, which can be differentiated.
class DifferentiableGraph {
 public:
  /// @throws UnsupportedOp for a node that cannot be run.
  explicit DifferentiableGraph(const graph::Graph& graph);

  /// The values `wanted`, computed from `bound`. A bound value cuts the graph: what makes it does
  /// not run. So a layer's weight (a constant) can be bound to a fake-quantized one that requires a
  /// gradient, and a block runs alone if its input is bound and its output wanted. 4-D tensors are
  /// best channels_last. Gradients are recorded as LibTorch's grad mode says.
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
