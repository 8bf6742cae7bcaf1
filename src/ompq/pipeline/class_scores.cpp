#include "ompq/pipeline/class_scores.h"

#include <algorithm>
#include <cmath>

namespace ompq::pipeline {
namespace {

double log_sum_exp(std::span<const float> scores) {
  const double top = *std::max_element(scores.begin(), scores.end());
  double sum = 0;
  for (const float score : scores) sum += std::exp(score - top);
  return top + std::log(sum);
}

}  // namespace

std::optional<Scores> as_scores(const Tensor& output) {
  if (output.type() != DataType::Float32 || output.rank() < 2) return std::nullopt;
  const auto& shape = output.shape();
  for (std::size_t d = 2; d < shape.size(); ++d) {
    if (shape[d] != 1) return std::nullopt;
  }
  if (shape[1] < 2) return std::nullopt;
  return Scores{output.data<float>(), shape[0], shape[1]};
}

bool gives_class_scores(const graph::Graph& graph) {
  const graph::Value& output = graph.value(graph.outputs().front());
  if (output.type != DataType::Float32 || !output.shape || output.shape->size() < 2) return false;
  const graph::Shape& shape = *output.shape;
  for (std::size_t d = 1; d < shape.size(); ++d) {
    if (!shape[d].is_fixed() || (d > 1 && shape[d].size != 1)) return false;
  }
  return shape[1].size >= 2;
}

std::optional<std::int64_t> class_count(const graph::Graph& graph) {
  if (!gives_class_scores(graph)) return std::nullopt;
  return (*graph.value(graph.outputs().front()).shape)[1].size;
}

std::string divergence_measure(const graph::Graph& graph) {
  return gives_class_scores(graph) ? "mean Kullback-Leibler divergence of the classes, nats"
                                   : "squared error of the output over its squared norm";
}

std::int64_t best_class(std::span<const float> scores) {
  return std::max_element(scores.begin(), scores.end()) - scores.begin();
}

std::int64_t rank_of(std::span<const float> scores, std::int64_t label) {
  const float own = scores[static_cast<std::size_t>(label)];
  std::int64_t rank = 0;
  for (std::int64_t c = 0; c < static_cast<std::int64_t>(scores.size()); ++c) {
    const float other = scores[static_cast<std::size_t>(c)];
    if (other > own || (other == own && c < label)) ++rank;
  }
  return rank;
}

double cross_entropy(std::span<const float> scores, std::int64_t label) {
  return log_sum_exp(scores) - scores[static_cast<std::size_t>(label)];
}

double divergence(std::span<const float> reference, std::span<const float> scores) {
  const double reference_norm = log_sum_exp(reference);
  const double norm = log_sum_exp(scores);
  double sum = 0;
  for (std::size_t c = 0; c < scores.size(); ++c) {
    const double log_p = reference[c] - reference_norm;
    sum += std::exp(log_p) * (log_p - (scores[c] - norm));
  }
  return sum;
}

}  // namespace ompq::pipeline
