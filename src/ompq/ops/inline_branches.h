#pragma once

#include <map>
#include <string>

#include "ompq/core/tensor.h"
#include "ompq/graph/graph.h"

namespace ompq::ops {

/// Replaces every If with a known condition (constant, or determined by shapes) by its taken
/// branch, also within branches. Nothing else changes, so that the network can be written as it was
/// read.
/// @return the number of changed Ifs.
int inline_known_branches(graph::Graph& graph);

/// Inserts the nodes of the taken branch before every If whose condition follows from `numbers`,
/// the values of network inputs in all samples, by name. The If is kept with graph::kTakenNote, so
/// that the network is unchanged for other values.
/// @return the number of changed Ifs.
int take_branches(graph::Graph& graph, const std::map<std::string, Tensor>& numbers);

}  // namespace ompq::ops
