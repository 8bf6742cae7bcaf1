#include "ompq/search/features.h"

#include <algorithm>
#include <chrono>
#include <unordered_map>

#include <fmt/format.h>

#include "ompq/core/error.h"
#include "ompq/data/batches.h"
#include "ompq/search/feature_rows.h"

namespace ompq::search {
namespace {

/// Minimum number of samples per group, even if fewer run at once: two samples at a time give no
/// useful similarity.
constexpr std::int64_t kGroup = 64;

/// Layers by the value of their feature; several layers may share one.
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

/// Computes Gram matrices of the layers' features from batches of any size.
class Orthogonality {
 public:
  Orthogonality(const std::vector<graph::Layer>& layers, std::int64_t samples, std::int64_t batch)
      : layers_(layers),
        owners_(feature_owners(layers)),
        group_(std::max(batch, kGroup)),
        kept_(batch < std::min(group_, samples)),
        estimator_(samples <= group_ ? orm::Estimator::Biased : orm::Estimator::Debiased),
        accumulator_(layer_names(layers), estimator_),
        grams_(layers.size()) {}

  [[nodiscard]] std::vector<graph::ValueId> values() const {
    std::vector<graph::ValueId> values;
    for (const auto& [value, layers] : owners_) values.push_back(value);
    return values;
  }

  void add(runtime::Executor& executor, const data::Batch& batch) {
    (void)executor.run(batch.inputs, [&](graph::ValueId value, const MatrixView& feature) {
      see(value, feature, batch.size);
    });
    waiting_ += batch.size;
    if (!kept_ || waiting_ + batch.size > group_) use_group();
  }

  [[nodiscard]] FeatureOutcome result() {
    use_group();
    return {.matrix = accumulator_.result(), .estimator = estimator_, .samples = used_};
  }

 private:
  [[nodiscard]] const std::string& name(graph::ValueId value) const {
    return layers_[owners_.at(value).front()].name;
  }

  void see(graph::ValueId value, const MatrixView& feature, std::int64_t samples) {
    if (feature.rows != samples) {
      throw DataError("features",
                      fmt::format("the feature of layer '{}' has {} row(s) for {} samples; it does "
                                  "not depend on the samples",
                                  name(value),
                                  feature.rows,
                                  samples));
    }
    if (kept_) {
      rows_[value].add(feature);
    } else if (samples >= min_samples()) {
      take(value, feature);
    }
  }

  void take(graph::ValueId value, const MatrixView& feature) {
    const orm::GramMatrix gram = orm::gram(feature, name(value));
    for (const std::size_t layer : owners_.at(value)) grams_[layer] = gram;
  }

  [[nodiscard]] std::int64_t min_samples() const {
    return estimator_ == orm::Estimator::Biased ? 2 : 4;
  }

  void use_group() {
    // Drop a last group that is too small for the estimator.
    if (waiting_ >= min_samples()) {
      for (auto& [value, rows] : rows_) take(value, rows.view());
      accumulator_.add_batch(grams_);
      used_ += waiting_;
    }
    for (auto& [value, rows] : rows_) rows.clear();
    waiting_ = 0;
  }

  const std::vector<graph::Layer>& layers_;
  FeatureOwners owners_;
  std::int64_t group_;
  bool kept_;  ///< a group has more samples than a batch, so features are accumulated
  orm::Estimator estimator_;
  orm::OrmAccumulator accumulator_;
  std::vector<orm::GramMatrix> grams_;
  std::unordered_map<graph::ValueId, FeatureRows> rows_;
  std::int64_t waiting_ = 0;
  std::int64_t used_ = 0;
};

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
    throw DataError(
        "features",
        fmt::format("{} samples are too few to compare layers; give at least 2 (the paper "
                    "uses 32 or 64)",
                    indices.size()));
  }
  const auto begin = std::chrono::steady_clock::now();
  Orthogonality orthogonality(
      layers, static_cast<std::int64_t>(indices.size()), options.batch_size);
  runtime::ExecutorOptions executor_options = options.executor;
  executor_options.captured = orthogonality.values();
  runtime::Executor executor(graph, executor_options);
  data::for_each_batch(
      dataset,
      indices,
      options.batch_size,
      [&](const data::Batch& batch) { orthogonality.add(executor, batch); },
      "features",
      progress);
  FeatureOutcome outcome = orthogonality.result();
  const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - begin;
  outcome.forward_seconds = elapsed.count();
  return outcome;
}

}  // namespace ompq::search
