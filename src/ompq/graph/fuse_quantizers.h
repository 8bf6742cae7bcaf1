#pragma once

#include <span>

#include "ompq/graph/graph.h"

namespace ompq::graph {

/// The part of fuse() that creates FakeQuantize.
int fuse_quantizers(Graph& graph, std::span<const ValueId> keep);

}  // namespace ompq::graph
