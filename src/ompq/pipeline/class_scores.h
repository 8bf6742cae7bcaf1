#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "ompq/core/tensor.h"
#include "ompq/graph/graph.h"

namespace ompq::pipeline {

/// Rows of class scores, [rows, classes]; a view of a tensor that must outlive it.
struct Scores {
  std::span<const float> values;
  std::int64_t rows = 0;
  std::int64_t classes = 0;
  [[nodiscard]] std::span<const float> row(std::int64_t i) const {
    return values.subspan(static_cast<std::size_t>(i * classes), static_cast<std::size_t>(classes));
  }
};

/// The output as class scores if it is float32 [n, classes >= 2], also with trailing extents of 1.
[[nodiscard]] std::optional<Scores> as_scores(const Tensor& output);

/// True if the first output of `graph` has that form for every batch.
[[nodiscard]] bool gives_class_scores(const graph::Graph& graph);

/// How many classes those scores have; nothing where the first output is none.
[[nodiscard]] std::optional<std::int64_t> class_count(const graph::Graph& graph);

/// What FidelityProbe measures of such a network, in words with its unit.
[[nodiscard]] std::string divergence_measure(const graph::Graph& graph);

/// The first of the highest scores.
[[nodiscard]] std::int64_t best_class(std::span<const float> scores);

/// Number of classes that score above `label`; ties count as above where they come first, as a
/// stable sort would have it.
[[nodiscard]] std::int64_t rank_of(std::span<const float> scores, std::int64_t label);

/// -log softmax(scores)[label], nats.
[[nodiscard]] double cross_entropy(std::span<const float> scores, std::int64_t label);

/// Kullback-Leibler divergence of softmax(scores) from softmax(reference), nats.
[[nodiscard]] double divergence(std::span<const float> reference, std::span<const float> scores);

}  // namespace ompq::pipeline
