#pragma once

#include <map>
#include <memory>
#include <vector>

#include "ompq/core/progress.h"
#include "ompq/data/dataset.h"
#include "ompq/graph/graph.h"
#include "ompq/rounding/sample_cache.h"

namespace ompq::reconstruction {

/// How much each element of an activation matters to the network's loss.
struct FisherWeights {
  /// Magnitude of the loss's gradient by the activation, a row a sample; 4-D values as H, W, C.
  std::shared_ptr<rounding::SampleCache> roots;
  double mean_square = 1.0;  ///< of all elements: squared roots / mean_square are 1 on average
};

/// One forward and backward pass of the float network over the samples, for all `values` at once.
/// The loss is that of the network's own beliefs: the cross-entropy with a class drawn from the
/// softmax of its first output, whose squared gradients are the diagonal of the Fisher information;
/// for an output that is not [n, classes], its product with random signs, which stands for a
/// squared error.
/// A network that takes a fixed number of samples has a row a pass. Outputs of integers are judged
/// by what they are made of (graph::with_float_outputs).
/// @param seed  draws classes and signs.
/// @throws DataError for NaN, or where no gradient can be taken; Interrupted between batches.
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
