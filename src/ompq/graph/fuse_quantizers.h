#pragma once

#include <span>

#include "ompq/graph/graph.h"

namespace ompq::graph {

/// The part of fuse() that creates FakeQuantize.
int fuse_quantizers(Graph& graph, std::span<const ValueId> keep);

/// Removes each Relu, Clip, Min or Max that the quantizer after it performs: values outside of its
/// bounds get the code of the bound, also after a Clip of the codes. Integer kernels of runtimes
/// need the quantizer right after the product. @return the number of quantizers that moved.
int drop_bounds_before_quantizers(Graph& graph);

}  // namespace ompq::graph
