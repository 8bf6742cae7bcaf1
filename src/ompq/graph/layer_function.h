#pragma once

#include <vector>

#include "ompq/graph/graph.h"
#include "ompq/graph/uses.h"

namespace ompq::graph {

/// What belongs to a layer, followed forward from its operator through values that have one reader:
/// constant bias, normalization, activation, and then the residual Add that the result goes
/// straight into, with its activation. Operators that leave the meaning of elements alone may stand
/// between.
struct LayerFunction {
  ValueId feature = kNoValue;     ///< its output
  ValueId before_add = kNoValue;  ///< its output short of the residual Add; `feature` without one
  ValueId bias = kNoValue;        ///< constant of an Add right after a MatMul
  NodeId residual = kNoNode;      ///< the Add
  bool has_batch_norm = false;
  bool activated_before_add = false;
  bool activated = false;     ///< `feature` has been through an activation, before or after Add
  std::vector<NodeId> nodes;  ///< from the operator to `feature`, in topological order
  std::size_t nodes_before_add = 0;  ///< how many of them lead to `before_add`
};

/// What the operator makes: its first output that something reads or shows. (A recurrent operator
/// has one of all steps and one of the last.)
[[nodiscard]] ValueId main_output(const Graph& graph, const Node& node);

/// The layer function of operator `layer`.
[[nodiscard]] LayerFunction layer_function(const Graph& graph, const Uses& uses, NodeId layer);

/// The nodes of the activation after an Add that joins branches; empty if there is none.
[[nodiscard]] std::vector<NodeId> activation_after(const Graph& graph,
                                                   const Uses& uses,
                                                   NodeId add);

}  // namespace ompq::graph
