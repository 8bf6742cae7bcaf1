#pragma once

#include <map>
#include <memory>
#include <vector>

#include "ompq/core/progress.h"
#include "ompq/data/dataset.h"
#include "ompq/graph/graph.h"
#include "ompq/rounding/sample_cache.h"

namespace ompq::reconstruction {

/// Importance of each element of an activation for the network's loss.
struct FisherWeights {
  /// Magnitude of the loss's gradient with respect to the activation, one row per sample; 4-D
  /// values as H, W, C.
  std::shared_ptr<rounding::SampleCache> roots;
  double mean_square = 1.0;  ///< of all elements: squared roots / mean_square are 1 on average
};

/// One forward and backward pass of the float network over the samples, for all `values` at once.
/// The loss is the cross-entropy with a class drawn from the softmax of its first output, whose
/// squared gradients are the diagonal of the Fisher information; for an output that is not [n,
/// classes], its product with random signs, which corresponds to a squared error. A network with a
/// fixed batch has one row per pass. Integer outputs are replaced by the floats from which they are
/// computed (graph::with_float_outputs).
/// @param seed  draws classes and signs.
/// @throws DataError for NaN, or if no gradient can be computed; Interrupted between batches.
/// Source: Li et al. 2021 (BRECQ), section 3.2.
[[nodiscard]] std::map<graph::ValueId, FisherWeights> fisher_weights(
    const graph::Graph& graph,
    const std::vector<graph::ValueId>& values,
    data::Dataset& dataset,
    const std::vector<std::int64_t>& indices,
    std::uint64_t seed,
    rounding::CacheMemory& memory,
    int threads,
    const ProgressHandler& progress = {});

}  // namespace ompq::reconstruction
