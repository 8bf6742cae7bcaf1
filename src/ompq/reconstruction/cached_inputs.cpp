#include "ompq/reconstruction/cached_inputs.h"

#include <algorithm>

#include "ompq/ops/aten_bridge.h"
#include "ompq/reconstruction/block_forward.h"
#include "ompq/runtime/passes.h"

namespace ompq::reconstruction {
namespace {

using graph::ValueId;

/// Rows of an input of a network with an open batch, for any batch axis; shared inputs are repeated
/// in each row.
void cache_open_input(const Tensor& given,
                      const graph::Shape& shape,
                      std::int64_t first,
                      std::int64_t rows,
                      rounding::SampleCache& cache) {
  const auto open = std::ranges::find(shape, true, &graph::Dim::times_batch);
  if (open == shape.end()) {
    for (std::int64_t r = 0; r < rows; ++r) cache_samples(given, first + r, 1, cache);
    return;
  }
  const at::Tensor by_sample = ops::to_aten(given).movedim(open - shape.begin(), 0);
  cache_samples(ops::from_aten(by_sample.contiguous()), first, rows, cache);
}

}  // namespace

std::int64_t cache_inputs(const graph::Graph& graph,
                          const data::Batch& loaded,
                          std::int64_t first,
                          const CacheOfInput& cache_of) {
  const runtime::Passes passes = runtime::passes_for(graph, loaded.inputs);
  const std::int64_t rows = passes.fixed ? passes.count() : passes.samples;
  for (std::size_t i = 0; i < loaded.inputs.size(); ++i) {
    const ValueId id = graph.inputs()[i];
    rounding::SampleCache* found = cache_of(id);
    if (found == nullptr) continue;
    rounding::SampleCache& cache = *found;
    if (!passes.fixed) {
      cache_open_input(loaded.inputs[i], *graph.value(id).shape, first, rows, cache);
      continue;
    }
    const at::Tensor all = ops::to_aten(loaded.inputs[i]);
    for (std::int64_t p = 0; p < rows; ++p) {
      const at::Tensor part = runtime::part_of(all, graph.value(id), passes, p);
      cache_samples(ops::from_aten(part), first + p, 1, cache);
    }
  }
  return rows;
}

/// The graph with shapes for this number of samples.
graph::Graph at_batch(graph::Graph graph, std::int64_t batch) {
  for (std::size_t i = 0; i < graph.values().size(); ++i) {
    graph::Value& value = graph.mutable_value(static_cast<ValueId>(i));
    if (value.shape) value.shape = graph::fixed_shape(graph::extents_at(*value.shape, batch));
  }
  return graph;
}

}  // namespace ompq::reconstruction
