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
  std::int64_t batch_size = 64;  ///< samples that run at once
  runtime::ExecutorOptions executor;
};

struct FeatureOutcome {
  orm::OrthogonalityMatrix matrix;
  orm::Estimator estimator = orm::Estimator::Biased;
  std::int64_t samples = 0;
  double forward_seconds = 0;  ///< running the network, Gram matrices included
};

/// The orthogonality of the layers' features over the samples at `indices`, in groups of
/// batch_size, or of 64 where that is less. One group: centred kernel alignment as in the paper;
/// more samples: the unbiased mini-batch estimator. A feature is reduced to its n x n Gram matrix
/// the moment it exists, so memory does not grow with samples or layers; where fewer samples run at
/// once than a group has, features of at most FeatureRows::kMostColumns a sample wait for the
/// others.
/// @throws DataError for fewer than 2 samples or a constant feature (names the layer), and for one
/// that has no row for each sample.
[[nodiscard]] FeatureOutcome measure_orthogonality(const graph::Graph& graph,
                                                   const std::vector<graph::Layer>& layers,
                                                   data::Dataset& dataset,
                                                   const std::vector<std::int64_t>& indices,
                                                   const FeatureOptions& options,
                                                   const ProgressHandler& progress = {});

}  // namespace ompq::search
