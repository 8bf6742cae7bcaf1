#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "ompq/core/tensor.h"
#include "ompq/graph/graph.h"

/// Class scores, quantities computed from them, and the divergence of two networks' scores: the one
/// definition that search, learned rounding, distillation, training and evaluation share.
/// runtime/class_losses.h has differentiable versions.
namespace ompq::scores {

/// How the first output of a network gives class scores.
enum class Kind {
  None,           ///< not a row of two or more scores per sample
  Logits,         ///< any real numbers: the probabilities are their softmax
  Probabilities,  ///< the output of a Softmax
};
/// The first output is scores if it is float32 [n, classes >= 2], also with trailing extents of 1.
/// They are probabilities if a Softmax produced them, even if they are quantized or reshaped
/// afterwards.
[[nodiscard]] Kind kind_of(const graph::Graph& graph);
/// The value whose softmax gives the class probabilities: the first output, or the input of the
/// Softmax that produced it.
[[nodiscard]] graph::ValueId logits_value(const graph::Graph& graph);
/// Number of classes; empty if the first output is not class scores.
[[nodiscard]] std::optional<std::int64_t> class_count(const graph::Graph& graph);

/// Rows of class scores, [rows, classes]; a view of a tensor that must outlive it.
struct Scores {
  std::span<const float> values;
  std::int64_t rows = 0;
  std::int64_t classes = 0;
  Kind kind = Kind::Logits;
  [[nodiscard]] std::span<const float> row(std::int64_t i) const {
    return values.subspan(static_cast<std::size_t>(i * classes), static_cast<std::size_t>(classes));
  }
};
/// An output as class scores if it has the shape of scores, see kind_of().
/// @param kind  kind_of() of its network; None, if the graph does not determine it, counts as
/// logits.
[[nodiscard]] std::optional<Scores> as_scores(const Tensor& output, Kind kind);

/// Index of the highest score, the first of equal ones; NaN is not a score.
[[nodiscard]] std::int64_t best_class(std::span<const float> scores);
/// Number of classes ranked before `label`; equal scores are ranked by index, as in a stable sort.
/// All of them if its score is NaN.
[[nodiscard]] std::int64_t rank_of(std::span<const float> scores, std::int64_t label);

/// Smaller probabilities count as this, the smallest normal float32: a probability that was rounded
/// to zero then has a logarithm and a gradient.
inline constexpr float kLeastProbability = 0x1p-126F;

/// log sum exp(x), relative to the largest x; the sum is float64 for every T.
template <typename T>
[[nodiscard]] double log_sum_exp(std::span<const T> row) {
  const T top = *std::max_element(row.begin(), row.end());
  double sum = 0;
  for (const T x : row) sum += std::exp(static_cast<double>(x) - top);
  return top + std::log(sum);
}
/// Replaces x by log softmax(x).
template <typename T>
void log_softmax(std::span<T> row) {
  const auto shift = static_cast<T>(log_sum_exp(std::span<const T>(row)));
  for (T& x : row) x -= shift;
}
/// sum p (log p - log q), over any number of rows: Kullback-Leibler divergence of q from p, in
/// nats. @param p, q logarithms of probabilities.
template <typename T>
[[nodiscard]] double divergence(std::span<const T> p, std::span<const T> q) {
  double sum = 0;
  for (std::size_t i = 0; i < p.size(); ++i) {
    sum += static_cast<double>(std::exp(p[i])) * (p[i] - q[i]);
  }
  return sum;
}

/// Logarithms of the class probabilities of each row, [rows, classes].
[[nodiscard]] std::vector<double> log_probabilities(const Scores& scores);
/// The same for one row.
[[nodiscard]] std::vector<double> log_probabilities(std::span<const float> row, Kind kind);

/// Divergence of row `i` of `scores` from row `i` of `reference`, in nats.
[[nodiscard]] double divergence_of_rows(const Scores& reference,
                                        const Scores& scores,
                                        std::int64_t i);

/// The divergence of q at a temperature T, with its scores multiplied by factors: T^2 times that of
/// softmax(factor x log q / T) from softmax(log p / T), in nats. Quantization to few bits makes
/// scores smaller without changing which one is the largest; the factor that fits best tells the
/// two apart. At T = 1, few samples give most of a small divergence: those near the boundary
/// between two classes; a higher temperature averages the errors of the scores over more samples.
/// @param p, q  logarithms of probabilities of one row.
/// @return one for each of `factors`.
[[nodiscard]] std::vector<double> scaled_divergences(std::span<const double> p,
                                                     std::span<const double> q,
                                                     std::span<const double> factors,
                                                     double temperature);

}  // namespace ompq::scores
