#pragma once

#include <set>

#include "ompq/graph/graph.h"

namespace ompq::pipeline {

/// Puts back the nodes of `imported` that make a constant out of less than it holds: coordinate
/// grids, Tile, Expand, one weight that several nodes turn round. A file then holds what they are
/// made of.
/// @param graph  made of `imported` by passes that keep values' ids and names.
/// @param held  constants to leave: layers' weights and biases.
void restore_repeated_constants(graph::Graph& graph,
                                const graph::Graph& imported,
                                const std::set<graph::ValueId>& held);

}  // namespace ompq::pipeline
