#pragma once

#include "ompq/graph/graph.h"

namespace ompq::ops {

/// Infers type and shape of every value, resolves Shape/Gather/Concat/... chains, replaces every If
/// with a known condition by its taken branch, folds constants (evaluated with the operators'
/// `run`), makes known Reshape targets constant, and removes unused nodes.
/// @throws UnsupportedOp listing every unsupported node (name, operator, reason); ShapeError naming
/// the node.
void infer_and_fold(graph::Graph& graph);

}  // namespace ompq::ops
