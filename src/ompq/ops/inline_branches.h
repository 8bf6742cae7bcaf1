#pragma once

#include "ompq/graph/graph.h"

namespace ompq::ops {

/// Puts the branch that counts in the place of every If whose condition is known: a constant, or
/// what follows from shapes; within branches too. Nothing else changes, so that what is written
/// later is the network as it was read.
/// @return how many there were.
int inline_known_branches(graph::Graph& graph);

}  // namespace ompq::ops
