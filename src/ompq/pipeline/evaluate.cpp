#include "ompq/pipeline/evaluate.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstring>

#include <fmt/format.h>

#include "ompq/core/error.h"
#include "ompq/data/batches.h"
#include "ompq/scores/class_scores.h"

namespace ompq::pipeline {
namespace {

/// Sums over batches, turned into an Evaluation at the end.
class Tally {
 public:
  void add_labels(const scores::Scores& seen, const std::vector<std::int32_t>& labels) {
    data::validate_labels(labels, seen.classes);
    for (std::int64_t i = 0; i < seen.rows; ++i) {
      const std::int64_t label = labels[static_cast<std::size_t>(i)];
      const std::int64_t rank = scores::rank_of(seen.row(i), label);
      top1_ += rank < 1 ? 1 : 0;
      correct_.push_back(rank < 1);
      top5_ += rank < 5 ? 1 : 0;
      cross_entropy_ -=
          scores::log_probabilities(seen.row(i), seen.kind)[static_cast<std::size_t>(label)];
    }
    labelled_ += seen.rows;
  }

  void add_reference(const Tensor& output, const Tensor& reference) {
    const auto x = output.data<float>();
    const auto y = reference.data<float>();
    for (std::size_t i = 0; i < x.size(); ++i) {
      const double difference = static_cast<double>(x[i]) - y[i];
      noise_ += difference * difference;
      signal_ += static_cast<double>(y[i]) * y[i];
    }
    compared_ += output.elements();
  }

  /// Integers agree if they are equal.
  void add_reference_classes(const Tensor& output, const Tensor& reference) {
    const std::size_t bytes = size_of(output.type());
    for (std::size_t at = 0; at + bytes <= output.bytes().size(); at += bytes) {
      agreed_ += std::memcmp(&output.bytes()[at], &reference.bytes()[at], bytes) == 0 ? 1 : 0;
    }
    elements_ += output.elements();
  }

  void add_reference_scores(const scores::Scores& seen, const scores::Scores& reference) {
    for (std::int64_t i = 0; i < seen.rows; ++i) {
      const bool agree = scores::best_class(seen.row(i)) == scores::best_class(reference.row(i));
      agreed_ += agree ? 1 : 0;
      agrees_.push_back(agree);
      divergence_ += scores::divergence_of_rows(reference, seen, i);
    }
    scored_ += seen.rows;
  }

  void finish(EvaluateOutcome& outcome) const {
    report::Evaluation& result = outcome.evaluation;
    outcome.correct = correct_;
    outcome.agrees = agrees_;
    const auto share = [](double part, std::int64_t whole) {
      return part / static_cast<double>(whole);
    };
    if (labelled_ > 0) {
      result.top1 = share(static_cast<double>(top1_), labelled_);
      result.cross_entropy = share(cross_entropy_, labelled_);
      if (result.classes > 5) result.top5 = share(static_cast<double>(top5_), labelled_);
    }
    if (scored_ > 0) {
      result.agreement = share(static_cast<double>(agreed_), scored_);
      result.divergence = share(divergence_, scored_);
    }
    if (elements_ > 0) result.agreement = share(static_cast<double>(agreed_), elements_);
    if (compared_ > 0 && noise_ > 0) result.snr_db = 10.0 * std::log10(signal_ / noise_);
  }

 private:
  std::int64_t top1_ = 0;
  std::int64_t top5_ = 0;
  std::int64_t labelled_ = 0;
  double cross_entropy_ = 0;
  std::vector<bool> correct_;
  std::int64_t agreed_ = 0;
  std::vector<bool> agrees_;
  std::int64_t scored_ = 0;
  std::int64_t compared_ = 0;
  std::int64_t elements_ = 0;  ///< of integer outputs
  double divergence_ = 0;
  double noise_ = 0;
  double signal_ = 0;
};

Tensor stack_rows(const std::vector<Tensor>& parts) {
  if (parts.empty()) return {};
  std::vector<std::int64_t> shape = parts.front().shape();
  shape.front() = 0;
  for (const Tensor& part : parts) shape.front() += part.shape().front();
  Tensor all(parts.front().type(), shape);
  auto bytes = all.mutable_bytes();
  std::size_t at = 0;
  for (const Tensor& part : parts) {
    std::memcpy(bytes.data() + at, part.bytes().data(), part.bytes().size());
    at += part.bytes().size();
  }
  return all;
}

/// `count` rows starting at `begin`.
Tensor rows_of(const Tensor& all, std::int64_t begin, std::int64_t count) {
  std::vector<std::int64_t> shape = all.shape();
  if (begin + count > shape.front()) {
    throw ShapeError(
        "evaluation",
        fmt::format(
            "the reference has only {} rows of the first output; run it on the same samples",
            shape.front()));
  }
  const std::size_t row = all.bytes().size() / static_cast<std::size_t>(shape.front());
  shape.front() = count;
  Tensor part(all.type(), shape);
  std::memcpy(part.mutable_bytes().data(),
              all.bytes().data() + static_cast<std::size_t>(begin) * row,
              static_cast<std::size_t>(count) * row);
  return part;
}

void compare(Tally& tally,
             const Tensor& output,
             const std::optional<scores::Scores>& seen,
             const Tensor& reference,
             scores::Kind kind) {
  if (reference.shape() != output.shape()) {
    throw ShapeError("evaluation",
                     fmt::format("the network's first output is {}, but the reference's {}; "
                                 "compare networks with the same outputs",
                                 shape_text(output.shape()),
                                 shape_text(reference.shape())));
  }
  if (output.type() == DataType::Float32 && reference.type() == DataType::Float32) {
    tally.add_reference(output, reference);
  } else if (output.type() == reference.type()) {
    tally.add_reference_classes(output, reference);
  }
  if (const auto other = scores::as_scores(reference, kind); seen && other) {
    tally.add_reference_scores(*seen, *other);
  }
}

/// A scalar for the whole batch counts as one row.
Tensor with_rows(const Tensor& output) {
  return output.rank() == 0 ? output.reshaped({1}) : output;
}

}  // namespace

EvaluateOutcome evaluate(const graph::Graph& graph,
                         data::Dataset& dataset,
                         const std::vector<std::int64_t>& indices,
                         const EvaluateOptions& options,
                         const graph::Graph* reference,
                         const ProgressHandler& progress) {
  const auto begin = std::chrono::steady_clock::now();
  runtime::ExecutorOptions executor_options = options.executor;
  executor_options.integer_kernels = true;
  runtime::Executor executor(graph, executor_options);
  std::optional<runtime::Executor> reference_executor;
  if (reference != nullptr) reference_executor.emplace(*reference, options.executor);
  const scores::Kind kind = scores::kind_of(graph);
  const scores::Kind reference_kind = reference == nullptr ? kind : scores::kind_of(*reference);
  EvaluateOutcome outcome;
  report::Evaluation& result = outcome.evaluation;
  Tally tally;
  std::vector<Tensor> kept;
  std::int64_t seen_rows = 0;  ///< of the first output
  const auto use = [&](const data::Batch& batch) {
    const Tensor output = with_rows(executor.run(batch.inputs).front());
    const auto seen = scores::as_scores(output, kind);
    if (seen) {
      result.classes = seen->classes;
      const bool labelled = static_cast<std::int64_t>(batch.labels.size()) == seen->rows;
      if (labelled) tally.add_labels(*seen, batch.labels);
    }
    const std::int64_t rows = output.shape().front();
    if (reference_executor) {
      const Tensor other = with_rows(reference_executor->run(batch.inputs).front());
      compare(tally, output, seen, other, reference_kind);
    } else if (options.reference_logits != nullptr) {
      const Tensor other = rows_of(*options.reference_logits, seen_rows, rows);
      compare(tally, output, seen, other, kind);
    }
    seen_rows += rows;
    if (options.keep_outputs) kept.push_back(output);
    result.samples += batch.size;
  };
  data::for_each_batch(dataset, indices, options.batch_size, use, options.task, progress);
  if (result.samples == 0) {
    throw DataError("evaluation", "no sample could be read; give at least one valid sample");
  }
  tally.finish(outcome);
  result.skipped = static_cast<std::int64_t>(indices.size()) - result.samples;
  outcome.logits = stack_rows(kept);
  const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - begin;
  result.seconds = elapsed.count();
  return outcome;
}

}  // namespace ompq::pipeline
