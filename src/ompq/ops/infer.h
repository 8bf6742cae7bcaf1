#pragma once

#include "ompq/graph/graph.h"

namespace ompq::ops {

/// Infers type and shape of every value, resolves Shape/Gather/Concat/... chains, puts the branch
/// that counts in the place of every If whose condition is known, replaces what is constant by
/// constants (evaluated with the operators' own `run`), gives a Reshape whose target is known a
/// constant target, and removes what nobody reads any more.
/// @throws UnsupportedOp listing every node that cannot be run (name, operator, why); ShapeError
/// naming the node.
void infer_and_fold(graph::Graph& graph);

}  // namespace ompq::ops
