#pragma once

#include <memory>
#include <vector>

#include "ompq/graph/graph.h"
#include "ompq/scores/class_scores.h"
#include "ompq/sensitivity/meter.h"

namespace ompq::sensitivity {

/// @throws DataError describing the first output.
void require_scores(const graph::Graph& graph);

/// sum |x|^2 over all float outputs; if there is none, the number of elements.
[[nodiscard]] double squared_norm(const std::vector<Tensor>& outputs);
/// sum |a - b|^2 over all float outputs; if there is none, the number of elements that differ.
[[nodiscard]] double squared_distance(const std::vector<Tensor>& a, const std::vector<Tensor>& b);

/// Relative squared error of all outputs over batches: sum |y_q - y|^2 / sum |y|^2. Used by
/// output-mse, ActivationEffect and PairwiseEffect.
class RelativeError {
 public:
  explicit RelativeError(std::size_t cells) : sums_(cells, 0.0) {}
  void see_float(const std::vector<Tensor>& outputs);
  void see(std::size_t cell, const std::vector<Tensor>& outputs);
  /// One value per cell. @throws DataError if all outputs are zero.
  [[nodiscard]] std::vector<double> result() const;

 private:
  std::vector<Tensor> reference_;
  double norm_ = 0;
  std::vector<double> sums_;
};

/// Mean KL(float || quantized) of the class scores over batches, in nats. Used by output-kl,
/// ActivationEffect and PairwiseEffect.
class Divergence {
 public:
  Divergence(std::size_t cells, scores::Kind kind) : kind_(kind), sums_(cells, 0.0) {}
  void see_float(const std::vector<Tensor>& outputs);
  void see(std::size_t cell, const std::vector<Tensor>& outputs);
  /// One value per cell. @throws DataError without samples.
  [[nodiscard]] std::vector<double> result() const;

 private:
  scores::Kind kind_;
  std::vector<double> reference_;  ///< logarithms of the batch's probabilities
  std::int64_t samples_ = 0;
  std::vector<double> sums_;
};

/// output-mse: change of the network's outputs when only this layer is quantized, relative to their
/// size: sum |y_q - y|^2 / sum |y|^2 over all float outputs and samples.
[[nodiscard]] std::unique_ptr<Meter> make_output_mse(const MeterContext& context);

/// output-kl: mean over the samples of KL(softmax(y) || softmax(y_q)) of the first output, in nats.
/// Probabilities are used directly.
/// @throws DataError if the first output is not rows of class scores.
[[nodiscard]] std::unique_ptr<Meter> make_output_kl(const MeterContext& context);

}  // namespace ompq::sensitivity
