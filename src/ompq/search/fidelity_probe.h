#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "ompq/allocation/cost_model.h"
#include "ompq/allocation/request.h"
#include "ompq/core/progress.h"
#include "ompq/data/dataset.h"
#include "ompq/runtime/executor.h"
#include "ompq/scores/class_scores.h"
#include "ompq/search/activation_ranges.h"
#include "ompq/search/rounded_weights.h"

namespace ompq::search {

/// What FidelityProbe measures of a network, in words with its unit.
[[nodiscard]] std::string divergence_measure(const graph::Graph& graph);

/// The bit-widths of a network, one per layer; allocation::kFloatBits: float.
struct NetworkWidths {
  std::vector<int> weights;
  std::vector<int> activations;  ///< of the layers' inputs

  auto operator<=>(const NetworkWidths&) const = default;
};

[[nodiscard]] inline NetworkWidths widths_of(const allocation::Allocation& allocation) {
  return {allocation.weight_bits, allocation.activation_bits};
}

/// True if the mean of a is significantly below that of b, both by sample: the mean difference is
/// at least two standard errors below zero.
[[nodiscard]] bool surely_below(const std::vector<double>& a, const std::vector<double>& b);

/// Measures how far the network deviates from the float one with given bit-widths: the mean
/// Kullback-Leibler divergence of the class scores at temperature 4 (scores::scaled_divergences(),
/// nats), after scaling all of them by the factor that fits best, since few bits make scores
/// smaller without changing the classes; or, if the first output is not class scores, the mean over
/// all outputs of sum |y_q - y|^2 / sum |y|^2. Integer outputs are replaced by the floats from
/// which they are computed (graph::with_float_outputs); if there are none, the share of differing
/// elements is used. Weights are rounded to nearest; activations have all quantizers of the target,
/// as in the written file. Keeps the inputs of its samples in memory, or, with --memory, as many as
/// fit into a part of it and loads the others again. `dataset` must outlive it.
class FidelityProbe {
 public:
  /// @throws DataError if no sample can be read.
  FidelityProbe(const pipeline::Model& model,
                RoundedWeights& weights,
                ActivationRanges& ranges,
                data::Dataset& dataset,
                const std::vector<std::int64_t>& indices,
                std::int64_t batch_size,
                const runtime::ExecutorOptions& options);

  /// The divergence of the network at `widths`; earlier results are cached.
  [[nodiscard]] double divergence(const NetworkWidths& widths);

  /// The divergence of each sample of any other form of the network, such as one with other
  /// rounding.
  [[nodiscard]] std::vector<double> by_sample(const graph::Graph& network);

  /// surely_below() of the divergences at `widths` and at `other`.
  [[nodiscard]] bool surely_better(const NetworkWidths& widths, const NetworkWidths& other);

  /// The divergences of networks whose weights differ from `widths` in one decision.
  /// @param decisions  layers that share a width, each list ascending.
  /// @param alternatives  [decision] widths to try.
  /// @return [decision][alternative]. The part before the changed layer runs once per batch.
  [[nodiscard]] std::vector<std::vector<double>> alternatives(
      const NetworkWidths& widths,
      const std::vector<allocation::DecisionItem>& decisions,
      const std::vector<std::vector<int>>& alternatives,
      const ProgressHandler& progress = {});

  /// Number of full or partial passes so far.
  [[nodiscard]] std::int64_t evaluations() const { return evaluations_; }

 private:
  struct Batch {
    std::int64_t samples = 0;
    std::vector<Tensor> reference;  // the float network's outputs
    std::vector<Tensor> inputs;
    std::vector<std::int64_t> samples_of;  // to load again, if `inputs` are not kept
  };
  [[nodiscard]] std::vector<Tensor> inputs_of(const Batch& batch) const;
  void weigh();
  /// The distance of each sample of a batch with class scores scaled by each of `factors`,
  /// [factor][sample]; of other outputs, one row.
  [[nodiscard]] std::vector<std::vector<double>> distances(const std::vector<Tensor>& outputs,
                                                           const Batch& batch,
                                                           std::span<const double> factors) const;
  void apply(const NetworkWidths& widths);
  /// The network with float weights and quantized activations.
  void quantize_activations(const std::vector<int>& activation_bits);
  void set_width(std::size_t layer, int bits);
  /// The bias in multiples of activation scale x weight scale.
  void set_bias(std::size_t layer, int bits);
  [[nodiscard]] double mean(double total) const;
  /// The distance of each sample, with scaled class scores.
  [[nodiscard]] std::vector<double> run_all(runtime::Executor& executor);
  [[nodiscard]] const std::vector<double>& distances_at(const NetworkWidths& widths);

  const pipeline::Model& model_;
  RoundedWeights& weights_;
  ActivationRanges& ranges_;
  data::Dataset& dataset_;
  runtime::ExecutorOptions options_;
  runtime::Executor executor_;
  std::vector<Batch> batches_;
  scores::Kind kind_;
  bool by_class_ = false;  // the first output is rows of class scores
  double divisor_ = 0;     // samples, or the output's squared norm, or the number of outputs
  std::vector<double> weights_by_output_;               // of squared errors
  NetworkWidths applied_;                               // to executor_
  std::map<NetworkWidths, std::vector<double>> known_;  // [sample]
  std::int64_t evaluations_ = 0;
};

}  // namespace ompq::search
