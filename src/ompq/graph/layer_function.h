#pragma once

#include <vector>

#include "ompq/graph/graph.h"
#include "ompq/graph/uses.h"

namespace ompq::graph {

/// The nodes that belong to a layer, followed from its operator through values with one reader:
/// constant bias, normalization, activation, and then the residual Add that the result directly
/// feeds, with its activation. Operators that only move or re-encode elements may be in between.
struct LayerFunction {
  ValueId feature = kNoValue;     ///< its output
  ValueId before_add = kNoValue;  ///< its output before the residual Add; `feature` without one
  ValueId bias = kNoValue;        ///< constant of an Add right after a MatMul
  NodeId residual = kNoNode;      ///< the Add
  bool has_batch_norm = false;
  bool activated_before_add = false;
  bool activated = false;            ///< an activation precedes `feature`, before or after the Add
  std::vector<NodeId> nodes;         ///< from the operator to `feature`, in topological order
  std::size_t nodes_before_add = 0;  ///< number of nodes up to `before_add`
};

/// The operator's first output that is used or is a network output. (A recurrent operator has one
/// for all steps and one for the last.)
[[nodiscard]] ValueId main_output(const Graph& graph, const Node& node);

/// The layer function of operator `layer`.
[[nodiscard]] LayerFunction layer_function(const Graph& graph, const Uses& uses, NodeId layer);

/// The nodes of the activation after an Add that joins branches; empty if there is none.
[[nodiscard]] std::vector<NodeId> activation_after(const Graph& graph,
                                                   const Uses& uses,
                                                   NodeId add);

}  // namespace ompq::graph
