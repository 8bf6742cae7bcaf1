#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "ompq/allocation/cost_model.h"
#include "ompq/core/progress.h"
#include "ompq/data/dataset.h"
#include "ompq/runtime/executor.h"
#include "ompq/scores/class_scores.h"
#include "ompq/search/rounded_weights.h"

namespace ompq::search {

/// What FidelityProbe measures of a network, in words with its unit.
[[nodiscard]] std::string divergence_measure(const graph::Graph& graph);

/// Says how far the network strays from the float one when its layers get certain widths: the mean
/// Kullback-Leibler divergence of the class scores (nats), or, where the first output is no row of
/// class scores, sum |y_q - y|^2 / sum |y|^2, the mean over the outputs, each of which counts
/// alike. Outputs of integers are judged by the floats that they are made of
/// (graph::with_float_outputs); where there are none, by the share of elements that differ. Weights
/// are rounded to nearest, activations stay float. Holds the inputs of its samples in memory.
class FidelityProbe {
 public:
  /// One width a layer.
  using Widths = std::vector<int>;

  /// @throws DataError if no sample can be used.
  FidelityProbe(const pipeline::Model& model,
                RoundedWeights& weights,
                data::Dataset& dataset,
                const std::vector<std::int64_t>& indices,
                std::int64_t batch_size,
                const runtime::ExecutorOptions& options);

  /// Of the whole network at `widths`; what was asked before is not run again.
  [[nodiscard]] double divergence(const Widths& widths);

  /// True if the network at `widths` strays less than the one at `other` by more than chance: the
  /// mean difference over the samples is at least two of its standard errors below zero.
  [[nodiscard]] bool surely_better(const Widths& widths, const Widths& other);

  /// Of the networks that differ from `widths` in one decision alone.
  /// @param decisions  layers that move together, each list ascending.
  /// @param alternatives  [decision] widths to try.
  /// @return [decision][alternative]. What comes before the changed layer runs once a batch.
  [[nodiscard]] std::vector<std::vector<double>> alternatives(
      const Widths& widths,
      const std::vector<allocation::DecisionItem>& decisions,
      const std::vector<std::vector<int>>& alternatives,
      const ProgressHandler& progress = {});

  /// Networks that were run from a changed layer to the end, or whole.
  [[nodiscard]] std::int64_t evaluations() const { return evaluations_; }

 private:
  struct Batch {
    std::int64_t samples = 0;
    std::vector<Tensor> inputs;
    std::vector<Tensor> reference;  // the float network's outputs
  };
  void weigh();
  /// [sample]
  [[nodiscard]] std::vector<double> distances(const std::vector<Tensor>& outputs,
                                              const Batch& batch) const;
  void apply(const Widths& widths);
  void set_width(std::size_t layer, int bits);
  [[nodiscard]] double mean(double total) const;
  [[nodiscard]] const std::vector<double>& by_sample(const Widths& widths);

  const pipeline::Model& model_;
  RoundedWeights& weights_;
  runtime::Executor executor_;
  std::vector<Batch> batches_;
  scores::Kind kind_;
  bool by_class_ = false;  // the first output is rows of class scores
  double divisor_ = 0;     // samples, or the output's squared norm, or the number of outputs
  std::vector<double> weights_by_output_;  // of squared errors
  Widths applied_;
  std::map<Widths, std::vector<double>> known_;  // [sample]
  std::int64_t evaluations_ = 0;
};

}  // namespace ompq::search
