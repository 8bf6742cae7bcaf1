#include "ompq/ops/infer.h"

#include "ompq/ops/inference.h"
#include "ompq/ops/inline_branches.h"

namespace ompq::ops {
namespace {

using graph::Graph;
using graph::ValueId;

/// Frees constants that are no longer used (packed weights, folded chains).
void drop_unread_constants(Graph& graph) {
  for (std::size_t i = 0; i < graph.values().size(); ++i) {
    const auto id = static_cast<ValueId>(i);
    if (graph.is_constant(id) && !graph.is_output(id) && graph.consumers(id).empty()) {
      graph.mutable_value(id).constant.reset();
    }
  }
}

}  // namespace

void infer_and_fold(Graph& graph) {
  graph.sort();
  graph.erase_dead_nodes();
  inline_known_branches(graph);
  Inference inference(graph);
  inference.check_inputs();
  inference.visit_all();
  inference.raise();
  inference.compute_frontier();
  inference.detach_constants();
  inference.simplify_reshapes();
  drop_unread_constants(graph);
}

}  // namespace ompq::ops
