#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <vector>

#include "ompq/core/progress.h"
#include "ompq/data/dataset.h"
#include "ompq/graph/graph.h"
#include "ompq/report/results.h"
#include "ompq/runtime/executor.h"
#include "ompq/runtime/executor_binding.h"

namespace ompq::pipeline {

struct EvaluateOptions {
  std::int64_t batch_size = 64;
  runtime::ExecutorOptions executor;
  std::string task = "evaluation";  ///< its name in progress events
  /// Keep the first output of every sample in EvaluateOutcome::logits.
  bool keep_outputs = false;
  /// The reference network's outputs for the same samples (EvaluateOutcome::logits), instead of
  /// running it again.
  const Tensor* reference_logits = nullptr;
};

template <typename Binder>
void bind_options(Binder& binder, EvaluateOptions& options) {
  binder.bind("batch", options.batch_size);
  bind_options(binder, options.executor);
}

/// Of `ompq eval`, which also has an option for the precision.
template <typename Binder>
void bind_evaluation(Binder& binder, EvaluateOptions& options) {
  bind_options(binder, options);
  binder.bind("precision", options.executor.precision);
}

struct EvaluateOutcome {
  report::Evaluation evaluation;
  Tensor logits;  ///< [samples, ...] if requested
  /// By sample; empty without labels, or if the first output is not class scores.
  std::vector<bool> correct;
  /// By sample: the best class is the reference's; empty without a reference, as above.
  std::vector<bool> agrees;
};

/// Evaluates `graph` on the samples at `indices`. Top-1 and top-5 if there are labels and the first
/// output is [n, classes]; fidelity to `reference` (same inputs and outputs) if given.
/// @throws DataError if a label is out of range (names the sample), ShapeError if the graphs do not
/// match.
[[nodiscard]] EvaluateOutcome evaluate(const graph::Graph& graph,
                                       data::Dataset& dataset,
                                       const std::vector<std::int64_t>& indices,
                                       const EvaluateOptions& options,
                                       const graph::Graph* reference = nullptr,
                                       const ProgressHandler& progress = {});

}  // namespace ompq::pipeline
