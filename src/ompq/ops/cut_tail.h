#pragma once

#include <string>
#include <utility>
#include <vector>

#include "ompq/graph/graph.h"

namespace ompq::ops {

/// The removed nodes: name and operator of each, in order.
using Tail = std::vector<std::pair<std::string, std::string>>;

/// Removes the end of a network whose shapes depend on the data, such as a NonMaxSuppression and
/// the nodes after it. The inputs of the removed part become outputs, in the order in which they
/// are read, so that a network is measured by the boxes and scores from which detections are
/// selected.
///
/// Does nothing if the end has a layer (an operator with a constant weight) or unknown operators,
/// or if it is the whole network; shape inference then reports the reason.
/// @return the removed nodes; values keep their ids, NodeIds change.
Tail cut_tail(graph::Graph& graph);

}  // namespace ompq::ops
