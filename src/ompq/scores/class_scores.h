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

/// Class scores, what follows from them, and how far those of two networks are apart: the one
/// definition that search, learned rounding, distillation, training and evaluation share.
/// runtime/class_losses.h has the same on tensors that gradients flow through.
namespace ompq::scores {

/// What the first output of a network says about classes.
enum class Kind {
  None,           ///< it is not one row of two or more scores a sample
  Logits,         ///< any real numbers: the probabilities are their softmax
  Probabilities,  ///< a Softmax made them
};
/// The first output is scores if it is float32 [n, classes >= 2], also with trailing extents of 1.
/// They are probabilities if a Softmax made them, also where they are quantized or reshaped after
/// it.
[[nodiscard]] Kind kind_of(const graph::Graph& graph);
/// The value whose softmax the class probabilities are: the first output, or what the Softmax reads
/// that made it.
[[nodiscard]] graph::ValueId logits_value(const graph::Graph& graph);
/// How many classes those scores have; nothing where there are none.
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
/// An output as class scores if it has their form, see kind_of().
/// @param kind  of its network; None, where the graph does not tell the form, counts as logits.
[[nodiscard]] std::optional<Scores> as_scores(const Tensor& output, Kind kind);

/// The first of the highest scores.
[[nodiscard]] std::int64_t best_class(std::span<const float> scores);
/// Number of classes that score above `label`; ties count as above where they come first, as a
/// stable sort would have it.
[[nodiscard]] std::int64_t rank_of(std::span<const float> scores, std::int64_t label);

/// Probabilities below count as this, the least number that float32 holds in full: what it rounded
/// to zero has a logarithm, and that a gradient.
inline constexpr float kLeastProbability = 0x1p-126F;

/// log sum exp(x), by the difference to the greatest x; a sum in float64 whatever T is.
template <typename T>
[[nodiscard]] double log_sum_exp(std::span<const T> row) {
  const T top = *std::max_element(row.begin(), row.end());
  double sum = 0;
  for (const T x : row) sum += std::exp(static_cast<double>(x) - top);
  return top + std::log(sum);
}
/// x becomes log softmax(x).
template <typename T>
void log_softmax(std::span<T> row) {
  const auto shift = static_cast<T>(log_sum_exp(std::span<const T>(row)));
  for (T& x : row) x -= shift;
}
/// sum p (log p - log q), over any number of rows: Kullback-Leibler divergence of q from p, in
/// nats. @param p, q  logarithms of probabilities.
template <typename T>
[[nodiscard]] double divergence(std::span<const T> p, std::span<const T> q) {
  double sum = 0;
  for (std::size_t i = 0; i < p.size(); ++i) {
    sum += static_cast<double>(std::exp(p[i])) * (p[i] - q[i]);
  }
  return sum;
}

/// Logarithms of the class probabilities, row by row, [rows, classes].
[[nodiscard]] std::vector<double> log_probabilities(const Scores& scores);
/// The same of one row.
[[nodiscard]] std::vector<double> log_probabilities(std::span<const float> row, Kind kind);

/// Divergence of row `i` of `scores` from that of `reference`, in nats.
[[nodiscard]] double divergence_of_rows(const Scores& reference,
                                        const Scores& scores,
                                        std::int64_t i);

}  // namespace ompq::scores
