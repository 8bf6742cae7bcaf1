#pragma once

#include <cstdint>
#include <vector>

#include "ompq/core/progress.h"
#include "ompq/data/dataset.h"
#include "ompq/graph/layers.h"
#include "ompq/orm/orm.h"
#include "ompq/runtime/executor.h"

namespace ompq::search {

struct FeatureOptions {
  std::int64_t batch_size = 64;  ///< samples per pass
  runtime::ExecutorOptions executor;
};

struct FeatureOutcome {
  orm::OrthogonalityMatrix matrix;
  orm::Estimator estimator = orm::Estimator::Biased;
  std::int64_t samples = 0;
  double forward_seconds = 0;  ///< running the network, including Gram matrices
};

/// Computes the orthogonality of the layers' features over the samples at `indices`, in groups of
/// batch_size, at least 64. One group: centred kernel alignment as in the paper; several groups:
/// the unbiased mini-batch estimator. Each feature is reduced to its n x n Gram matrix at once, so
/// memory does not grow with samples or layers. If a batch is smaller than a group, features are
/// accumulated, with at most FeatureRows::kMostColumns numbers per sample.
/// @throws DataError for fewer than 2 samples, a constant feature (names the layer), or a feature
/// without one row per sample.
[[nodiscard]] FeatureOutcome measure_orthogonality(const graph::Graph& graph,
                                                   const std::vector<graph::Layer>& layers,
                                                   data::Dataset& dataset,
                                                   const std::vector<std::int64_t>& indices,
                                                   const FeatureOptions& options,
                                                   const ProgressHandler& progress = {});

}  // namespace ompq::search
