#pragma once

#include "ompq/graph/graph.h"

namespace ompq::ops {

/// Folds values that depend only on constants, in a graph with open shapes: only results that are
/// valid for every input size. Results that are larger than their sources (coordinate grids, Tile,
/// Expand, one weight transposed by several nodes) are not folded, nor are unknown or unsupported
/// operators. Folded values get their type and shape. The graph must be in topological order.
void fold_constants(graph::Graph& graph);

}  // namespace ompq::ops
