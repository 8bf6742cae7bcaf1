#pragma once

#include <span>

#include "ompq/graph/graph.h"

namespace ompq::graph {

/// The part of fuse() that creates FusedConv, FusedConvTranspose, FusedGemm and FusedMatMul.
int fuse_layers(Graph& graph, std::span<const ValueId> keep);

}  // namespace ompq::graph
