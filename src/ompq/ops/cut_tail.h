#pragma once

#include <string>
#include <utility>
#include <vector>

#include "ompq/graph/graph.h"

namespace ompq::ops {

/// What is not run: name and operator of each node, in order.
using Tail = std::vector<std::pair<std::string, std::string>>;

/// Takes off the end of a network that cannot be run because its shapes depend on the data, such as
/// a NonMaxSuppression and what reads its choice. What the end reads of the rest takes the place of
/// the outputs that it made, in the order in which it is read, so that a network is measured by the
/// boxes and scores from which the detections are chosen.
///
/// Nothing changes where the end holds a layer (an operator with a constant weight), or operators
/// that are not known, or where it is all of the network: whoever infers shapes then says why.
/// @return what was taken off; values keep their ids, NodeIds move.
Tail cut_tail(graph::Graph& graph);

}  // namespace ompq::ops
