#pragma once

#include <cstdint>
#include <functional>

#include "ompq/data/batches.h"
#include "ompq/graph/graph.h"
#include "ompq/rounding/sample_cache.h"

namespace ompq::reconstruction {

/// Where rows of a network input go; nullptr where nothing reads them.
using CacheOfInput = std::function<rounding::SampleCache*(graph::ValueId input)>;

/// Writes a batch of samples to the caches of the network's inputs, a row each from row `first` on;
/// of a network that takes a fixed number of samples, a row is a pass.
/// @return the rows that were written.
std::int64_t cache_inputs(const graph::Graph& graph,
                          const data::Batch& loaded,
                          std::int64_t first,
                          const CacheOfInput& cache_of);

/// The graph with shapes for this number of samples.
[[nodiscard]] graph::Graph at_batch(graph::Graph graph, std::int64_t batch);

}  // namespace ompq::reconstruction
