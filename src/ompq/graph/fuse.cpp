#include "ompq/graph/fuse_layers.h"
#include "ompq/graph/fuse_quantizers.h"
#include "ompq/graph/passes.h"

namespace ompq::graph {

int fuse(Graph& graph, std::span<const ValueId> keep) {
  return fuse_quantizers(graph, keep) + fuse_layers(graph, keep);
}

}  // namespace ompq::graph
