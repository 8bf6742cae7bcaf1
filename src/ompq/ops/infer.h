#pragma once

#include <map>
#include <set>
#include <string>

#include "ompq/graph/graph.h"

namespace ompq::ops {

/// Infers type and shape of every value, resolves Shape/Gather/Concat/... chains, puts the branch
/// that counts in the place of every If whose condition is known, replaces what is constant by
/// constants (evaluated with the operators' own `run`), gives a Reshape whose target is known a
/// constant target, and removes what nobody reads any more.
/// @throws UnsupportedOp listing every node that cannot be run (name, operator, why); ShapeError
/// naming the node.
void infer_and_fold(graph::Graph& graph);

/// The conditions of If nodes that constants and shapes decide, by the node's name. Nodes that
/// cannot be run are passed over.
[[nodiscard]] std::map<std::string, bool> known_conditions(graph::Graph graph);

/// Nodes, by name, that cannot be run because the shape of what they make, or an operand that must
/// be known, depends on the data. Those that read what they make are not among them.
[[nodiscard]] std::set<std::string> data_dependent_nodes(graph::Graph graph);

}  // namespace ompq::ops
