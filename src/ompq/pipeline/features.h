#pragma once

#include <cstdint>
#include <vector>

#include "ompq/core/progress.h"
#include "ompq/data/dataset.h"
#include "ompq/graph/layers.h"
#include "ompq/orm/orm.h"
#include "ompq/runtime/executor.h"

namespace ompq::pipeline {

struct FeatureOptions {
  std::int64_t batch_size = 64;  ///< n of the Gram matrices
  runtime::ExecutorOptions executor;
};

struct FeatureOutcome {
  orm::OrthogonalityMatrix matrix;
  orm::Estimator estimator = orm::Estimator::Biased;
  std::int64_t samples = 0;
  double forward_seconds = 0;  ///< running the network, Gram matrices included
};

/// The orthogonality of the layers' features over the samples at `indices`. One batch: centred
/// kernel alignment as in the paper; more samples than a batch: the unbiased mini-batch estimator.
/// A feature is reduced to its n x n Gram matrix the moment it exists, so memory does not grow with
/// samples or layers.
/// @throws DataError for fewer than 2 samples or a constant feature (names the layer).
[[nodiscard]] FeatureOutcome measure_orthogonality(const graph::Graph& graph,
                                                   const std::vector<graph::Layer>& layers,
                                                   data::Dataset& dataset,
                                                   const std::vector<std::int64_t>& indices,
                                                   const FeatureOptions& options,
                                                   const ProgressHandler& progress = {});

}  // namespace ompq::pipeline
