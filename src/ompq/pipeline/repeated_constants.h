#pragma once

#include <set>

#include "ompq/graph/graph.h"

namespace ompq::pipeline {

/// Restores the nodes of `imported` that compute a constant from smaller ones: coordinate grids,
/// Tile, Expand, one weight transposed by several nodes. The file then has only the smaller
/// constants.
/// @param graph  made from `imported` by passes that keep values' ids and names.
/// @param held  constants that are not replaced: layers' weights and biases.
void restore_repeated_constants(graph::Graph& graph,
                                const graph::Graph& imported,
                                const std::set<graph::ValueId>& held);

}  // namespace ompq::pipeline
