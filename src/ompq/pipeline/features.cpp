#include "ompq/pipeline/features.h"

#include <chrono>
#include <unordered_map>

#include <fmt/format.h>

#include "ompq/core/error.h"
#include "ompq/data/batches.h"

namespace ompq::pipeline {
namespace {

/// Layers by the value that is their feature; several layers may end in the same one.
using FeatureOwners = std::unordered_map<graph::ValueId, std::vector<std::size_t>>;

FeatureOwners feature_owners(const std::vector<graph::Layer>& layers) {
  FeatureOwners owners;
  for (std::size_t l = 0; l < layers.size(); ++l) owners[layers[l].feature].push_back(l);
  return owners;
}

std::vector<std::string> layer_names(const std::vector<graph::Layer>& layers) {
  std::vector<std::string> names;
  for (const graph::Layer& layer : layers) names.push_back(layer.name);
  return names;
}

}  // namespace

FeatureOutcome measure_orthogonality(const graph::Graph& graph,
                                     const std::vector<graph::Layer>& layers,
                                     data::Dataset& dataset,
                                     const std::vector<std::int64_t>& indices,
                                     const FeatureOptions& options,
                                     const ProgressHandler& progress) {
  if (layers.empty()) {
    throw ImportError("features",
                      "the network has no layer that can be quantized; see `ompq inspect`");
  }
  if (indices.size() < 2) {
    throw DataError("features",
                    fmt::format("{} samples cannot tell layers apart; give at least 2 (the paper "
                                "uses 32 or 64)",
                                indices.size()));
  }
  const auto begin = std::chrono::steady_clock::now();
  const FeatureOwners owners = feature_owners(layers);
  runtime::ExecutorOptions executor_options = options.executor;
  for (const auto& [value, ids] : owners) executor_options.captured.push_back(value);
  runtime::Executor executor(graph, executor_options);

  FeatureOutcome outcome;
  const bool one_batch = static_cast<std::int64_t>(indices.size()) <= options.batch_size;
  outcome.estimator = one_batch ? orm::Estimator::Biased : orm::Estimator::Debiased;
  const std::int64_t least = one_batch ? 2 : 4;
  orm::OrmAccumulator accumulator(layer_names(layers), outcome.estimator);
  std::vector<orm::GramMatrix> grams(layers.size());
  const auto capture = [&](graph::ValueId value, const MatrixView& feature) {
    const orm::GramMatrix gram = orm::gram(feature);
    for (const std::size_t layer : owners.at(value)) grams[layer] = gram;
  };
  const auto use = [&](const data::Batch& batch) {
    // A last batch too small for the estimator would be noise, not signal.
    if (batch.size < least && outcome.samples > 0) return;
    (void)executor.run(batch.inputs, capture);
    accumulator.add_batch(grams);
    outcome.samples += batch.size;
  };
  data::for_each_batch(dataset, indices, options.batch_size, use, "features", progress);
  outcome.matrix = accumulator.result();
  const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - begin;
  outcome.forward_seconds = elapsed.count();
  return outcome;
}

}  // namespace ompq::pipeline
