#pragma once

#include <map>
#include <string>

#include "ompq/core/tensor.h"
#include "ompq/graph/graph.h"

namespace ompq::ops {

/// Puts the branch that counts in the place of every If whose condition is known: a constant, or
/// what follows from shapes; within branches too. Nothing else changes, so that what is written
/// later is the network as it was read.
/// @return how many there were.
int inline_known_branches(graph::Graph& graph);

/// Puts the nodes of the branch that counts before every If whose condition follows from `numbers`,
/// what inputs of the network are in all samples, by name. The If stays, as graph::kTakenNote says,
/// so that the network is what it was for other numbers, too.
/// @return how many there were.
int take_branches(graph::Graph& graph, const std::map<std::string, Tensor>& numbers);

}  // namespace ompq::ops
