#pragma once

#include "ompq/graph/graph.h"

namespace ompq::ops {

/// Computes what depends on constants alone, in a graph whose shapes are not inferred and may stay
/// open: only what holds for every size of the inputs. A result that is larger than what it is made
/// of (coordinate grids, Tile, Expand, one weight that several nodes turn round) stays computed,
/// and so does an operator that is not known or not accepted. Values that are computed get their
/// type and shape. The graph must be in topological order.
void fold_constants(graph::Graph& graph);

}  // namespace ompq::ops
