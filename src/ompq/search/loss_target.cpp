#include "ompq/search/loss_target.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <optional>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "ompq/core/byte_count.h"
#include "ompq/core/error.h"
#include "ompq/pipeline/evaluate.h"
#include "ompq/search/allocate.h"
#include "ompq/search/final_check.h"
#include "ompq/search/sample_roles.h"

namespace ompq::search {
namespace {

/// The metrics whose optimum is tried, best first: one has to do, since every size is tried.
constexpr std::array<std::string_view, 3> kTried{"output-mse", "local-error", "weight-mse"};

/// The allocator that was asked for, or for `auto` one of its metrics.
std::string tried_allocator(const SearchOptions& options, SearchSession& session) {
  if (!allocator_row(options.allocator).tries_others()) return options.allocator;
  for (const std::string_view name : kTried) {
    if (!session.unusable_reason(std::string(name))) return std::string(name);
  }
  return "size-only";
}

}  // namespace

/// Measures the loss of an allocation.
struct LossTarget::Judge {
  Judge() = default;
  Judge(const Judge&) = delete;
  Judge& operator=(const Judge&) = delete;
  virtual ~Judge() = default;

  [[nodiscard]] virtual std::string measure() const = 0;
  [[nodiscard]] virtual std::optional<std::int64_t> samples() const = 0;
  [[nodiscard]] virtual Loss loss_of(const allocation::Allocation& allocation,
                                     const allocation::AllocationFile& file,
                                     const ProgressHandler& progress) = 0;
};

/// Evaluates networks on the samples for the loss.
class LossTarget::PredictionJudge final : public LossTarget::Judge {
 public:
  /// @throws ConfigError, DataError  see LossTarget.
  PredictionJudge(const pipeline::Model& model,
                  pipeline::Samples& samples,
                  const SearchOptions& options)
      : model_(model),
        dataset_(*samples.dataset),
        options_(options),
        ranges_(model, *samples.dataset, samples.indices, calibration_of(options)),
        rounding_(roles_of(samples.indices, options.more_samples, options.request.seed)
                      .rounding_for_check) {
    evaluation_.batch_size = options.batch_size;
    evaluation_.executor = judging_executor(options);
    evaluation_.task = "float network";
    evaluation_.keep_outputs = true;
    reference_ = pipeline::evaluate(model.graph, dataset_, options.loss_samples, evaluation_);
    evaluation_.keep_outputs = false;
    evaluation_.executor.integer_kernels = true;
    evaluation_.task = "loss";
    evaluation_.reference_logits = &reference_.logits;
    if (reference_.evaluation.classes == 0) {
      throw ConfigError("--max-loss",
                        "is the share of predictions that are lost, but the first output of this "
                        "network is not class scores; give a size, or use 'ompq quantize' or 'ompq "
                        "sweep' with --eval-command, which measures the loss of any network");
    }
  }

  [[nodiscard]] std::string measure() const override {
    return has_labels() ? "top-1, percentage points"
                        : "samples whose predicted class changes, percent";
  }
  [[nodiscard]] std::optional<std::int64_t> samples() const override {
    return reference_.evaluation.samples;
  }
  [[nodiscard]] Loss loss_of(const allocation::Allocation& allocation,
                             const allocation::AllocationFile&,
                             const ProgressHandler& progress) override {
    const report::Evaluation found = evaluation_of(allocation, progress);
    const auto count = static_cast<double>(found.samples);
    const double changed = 1 - found.agreement.value();
    if (!has_labels()) {
      const Interval interval = wilson_interval(changed * count, count);
      return {.value = 100 * changed,
              .interval = Interval{.lower = 100 * interval.lower, .upper = 100 * interval.upper}};
    }
    // The networks are compared on the same samples, so only those whose class changes can differ
    // in top-1.
    const double lost = reference_.evaluation.top1.value() - found.top1.value();
    const Interval interval = paired_interval(lost * count, changed * count, count);
    return {.value = 100 * lost,
            .interval = Interval{.lower = 100 * interval.lower, .upper = 100 * interval.upper}};
  }

 private:
  [[nodiscard]] bool has_labels() const { return reference_.evaluation.top1.has_value(); }

  report::Evaluation evaluation_of(const allocation::Allocation& allocation,
                                   const ProgressHandler& progress) {
    const pipeline::QuantizedNetwork network =
        round_for_check(model_, dataset_, rounding_, ranges_, allocation, options_);
    return pipeline::evaluate(
               network.graph, dataset_, options_.loss_samples, evaluation_, nullptr, progress)
        .evaluation;
  }

  const pipeline::Model& model_;
  data::Dataset& dataset_;
  const SearchOptions& options_;
  ActivationRanges ranges_;
  std::vector<std::int64_t> rounding_;
  pipeline::EvaluateOptions evaluation_;
  pipeline::EvaluateOutcome reference_;
};

/// Has files judged by the user.
class LossTarget::FileJudge final : public LossTarget::Judge {
 public:
  explicit FileJudge(const QualityJudge& judge) : judge_(judge) {}

  [[nodiscard]] std::string measure() const override {
    return fmt::format("quality by --eval-command; the float network's is {:g}",
                       judge_.float_quality);
  }
  [[nodiscard]] std::optional<std::int64_t> samples() const override { return std::nullopt; }
  [[nodiscard]] Loss loss_of(const allocation::Allocation&,
                             const allocation::AllocationFile& file,
                             const ProgressHandler&) override {
    return {.value = judge_.float_quality - judge_.quality_of(file), .interval = {}};
  }

 private:
  const QualityJudge& judge_;
};

LossTarget::LossTarget(const pipeline::Model& model,
                       pipeline::Samples& samples,
                       const SearchOptions& options,
                       SearchSession& session,
                       const ProgressHandler& progress)
    : model_(model), session_(session), progress_(progress) {
  if (options.request.scheme != allocation::Scheme::Free ||
      options.request.accounting == allocation::Accounting::Paper) {
    throw ConfigError("--max-loss",
                      "searches for the size of the file, which --scheme and --accounting paper do "
                      "not count; leave them out");
  }
  if (options.judge.quality_of) {
    judge_ = std::make_unique<FileJudge>(options.judge);
  } else {
    if (options.loss_samples.size() < kFewest) {
      throw DataError("--max-loss",
                      fmt::format("needs {} samples that no other step uses to measure the loss, "
                                  "but {} are left; give more data or fewer --samples",
                                  kFewest,
                                  options.loss_samples.size()));
    }
    judge_ = std::make_unique<PredictionJudge>(model, samples, options);
  }
  allocator_ = tried_allocator(options, session);
  report_ = {.max_loss = options.max_loss.value(),
             .measure = judge_->measure(),
             .samples = judge_->samples()};
}

LossTarget::~LossTarget() = default;

std::int64_t LossTarget::smallest(const allocation::Budget& budget) {
  std::map<std::int64_t, double> known;  // bytes, loss
  const auto tried = [&](std::int64_t bytes) -> std::optional<std::int64_t> {
    allocation::Budget limited = budget;
    limited.bytes = bytes;
    const SolvedRequest solved = session_.solve(allocator_, limited);
    if (!known.contains(solved.bytes)) {
      const auto file = file_of(solved.request, solved.allocation, limited, allocator_, model_);
      known[solved.bytes] = judge_->loss_of(solved.allocation, file, progress_).value;
      report_.trials.push_back({.bytes = solved.bytes, .loss = known[solved.bytes]});
    }
    if (known[solved.bytes] > report_.max_loss) return std::nullopt;
    return solved.bytes;
  };
  const auto [least, most] = session_.file_sizes();
  constexpr std::int64_t kMetadata = 64;  // the budget's text in the file
  const std::int64_t largest = budget.bytes.value_or(most + kMetadata);
  const auto first = tried(largest);  // with all bits that are allowed
  if (!first) {
    throw InfeasibleBudget(
        "--max-loss",
        fmt::format(
            "even the largest file ({}) loses {:.3g} ({}){}, more than {:g}; allow a larger loss, "
            "more bits (--candidates), or float activations (--act-bits float)",
            format_bytes(report_.trials.back().bytes),
            report_.trials.back().loss,
            report_.measure,
            report_.samples ? fmt::format(" on {} samples", *report_.samples) : "",
            report_.max_loss));
  }
  std::int64_t smallest = largest;  // budget within the loss
  auto above = static_cast<double>(*first);
  auto below = std::min(static_cast<double>(least), above);
  constexpr double kApart = 1.02;
  constexpr int kMostTrials = 12;
  for (int trial = 0; trial < kMostTrials && above > kApart * below; ++trial) {
    check_interrupt();
    const double middle = std::sqrt(above * below);
    const auto asked = static_cast<std::int64_t>(middle);
    std::optional<std::int64_t> found;
    try {
      found = tried(asked);
    } catch (const InfeasibleBudget&) {
      // The least size is an estimate: other limits or tables may need a few bytes more.
    }
    if (found) {
      smallest = asked;
      above = static_cast<double>(*found);
    } else {
      below = middle;
    }
    if (progress_)
      progress_({"size", trial + 1, 0, format_bytes(static_cast<std::int64_t>(above))});
  }
  return smallest;
}

bool LossTarget::keeps(const allocation::Allocation& chosen,
                       const allocation::AllocationFile& file) {
  const Loss loss = judge_->loss_of(chosen, file, progress_);
  report_.loss = loss.value;
  if (loss.interval) {
    report_.lower = loss.interval->lower;
    report_.upper = loss.interval->upper;
  }
  return loss.value <= report_.max_loss;
}

}  // namespace ompq::search
