#include "ompq/scores/class_scores.h"

#include <cmath>

#include "ompq/graph/operator_traits.h"

namespace ompq::scores {
namespace {

/// True for an operator that leaves each score in its place and changes it only by rounding.
bool keeps_scores(const graph::Node& node) {
  const graph::OperatorTraits& traits = graph::traits_of(node);
  return traits.role == graph::Role::Transparent && !traits.moves_elements;
}

/// The Softmax that produced the first output, or kNoNode.
graph::NodeId softmax_of(const graph::Graph& graph) {
  graph::NodeId maker = graph.producer(graph.outputs().front());
  while (maker != graph::kNoNode && keeps_scores(graph.node(maker))) {
    maker = graph.producer(graph.node(maker).input(0));
  }
  const bool found = maker != graph::kNoNode && graph.node(maker).is("Softmax");
  return found ? maker : graph::kNoNode;
}

}  // namespace

Kind kind_of(const graph::Graph& graph) {
  if (!class_count(graph)) return Kind::None;
  return softmax_of(graph) == graph::kNoNode ? Kind::Logits : Kind::Probabilities;
}

graph::ValueId logits_value(const graph::Graph& graph) {
  const graph::NodeId softmax = softmax_of(graph);
  return softmax == graph::kNoNode ? graph.outputs().front() : graph.node(softmax).input(0);
}

std::optional<std::int64_t> class_count(const graph::Graph& graph) {
  if (graph.outputs().empty()) return std::nullopt;
  const graph::Value& output = graph.value(graph.outputs().front());
  if (output.type != DataType::Float32 || !output.shape || output.shape->size() < 2) {
    return std::nullopt;
  }
  const graph::Shape& shape = *output.shape;
  for (std::size_t d = 1; d < shape.size(); ++d) {
    if (!shape[d].is_fixed() || (d > 1 && shape[d].size != 1)) return std::nullopt;
  }
  return shape[1].size < 2 ? std::nullopt : std::optional(shape[1].size);
}

std::optional<Scores> as_scores(const Tensor& output, Kind kind) {
  if (output.type() != DataType::Float32 || output.rank() < 2) return std::nullopt;
  const auto& shape = output.shape();
  for (std::size_t d = 2; d < shape.size(); ++d) {
    if (shape[d] != 1) return std::nullopt;
  }
  if (shape[1] < 2) return std::nullopt;
  return Scores{output.data<float>(), shape[0], shape[1], kind};
}

namespace {

/// True if class `a` is ranked before `b`: a higher score, or an equal one and a lower index; NaN
/// is last.
bool is_above(std::span<const float> scores, std::int64_t a, std::int64_t b) {
  const float x = scores[static_cast<std::size_t>(a)];
  const float y = scores[static_cast<std::size_t>(b)];
  if (std::isnan(y)) return !std::isnan(x);
  return x > y || (x == y && a < b);
}

}  // namespace

std::int64_t best_class(std::span<const float> scores) {
  std::int64_t best = 0;
  for (std::int64_t c = 1; c < static_cast<std::int64_t>(scores.size()); ++c) {
    if (is_above(scores, c, best)) best = c;
  }
  return best;
}

std::int64_t rank_of(std::span<const float> scores, std::int64_t label) {
  // NaN compares as false with everything, so it would be the best score without this.
  if (std::isnan(scores[static_cast<std::size_t>(label)])) {
    return static_cast<std::int64_t>(scores.size());
  }
  std::int64_t rank = 0;
  for (std::int64_t c = 0; c < static_cast<std::int64_t>(scores.size()); ++c) {
    if (is_above(scores, c, label)) ++rank;
  }
  return rank;
}

std::vector<double> log_probabilities(const Scores& scores) {
  std::vector<double> logs(scores.values.begin(), scores.values.end());
  if (scores.kind == Kind::Probabilities) {
    constexpr double kLeast = kLeastProbability;
    for (double& value : logs) value = std::log(std::max(value, kLeast));
  }
  const auto classes = static_cast<std::size_t>(scores.classes);
  for (std::size_t at = 0; at < logs.size(); at += classes) {
    log_softmax(std::span(logs).subspan(at, classes));
  }
  return logs;
}

std::vector<double> log_probabilities(std::span<const float> row, Kind kind) {
  return log_probabilities(Scores{row, 1, static_cast<std::int64_t>(row.size()), kind});
}

double divergence_of_rows(const Scores& reference, const Scores& scores, std::int64_t i) {
  const std::vector<double> p = log_probabilities(reference.row(i), reference.kind);
  const std::vector<double> q = log_probabilities(scores.row(i), scores.kind);
  return divergence(std::span<const double>(p), std::span<const double>(q));
}

std::vector<double> scaled_divergences(std::span<const double> p,
                                       std::span<const double> q,
                                       std::span<const double> factors,
                                       double temperature) {
  const auto scaled = [](std::span<const double> logs, double factor) {
    std::vector<double> result(logs.size());
    std::ranges::transform(logs, result.begin(), [&](double x) { return factor * x; });
    log_softmax(std::span(result));
    return result;
  };
  const std::vector<double> expected = scaled(p, 1 / temperature);
  std::vector<double> result;
  for (const double factor : factors) {
    const std::vector<double> seen = scaled(q, factor / temperature);
    result.push_back(temperature * temperature * divergence(std::span(expected), std::span(seen)));
  }
  return result;
}

}  // namespace ompq::scores
