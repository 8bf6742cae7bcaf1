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
#include "ompq/search/final_check.h"
#include "ompq/search/sample_roles.h"

namespace ompq::search {
namespace {

/// The metrics whose optimum is tried, best first: one has to do, since every size is tried.
constexpr std::array<std::string_view, 3> kTried{"output-mse", "local-error", "weight-mse"};

/// Of a 95 % interval.
constexpr double kZ = 1.959964;

/// The allocator that was asked for, or for `auto` one of its metrics.
std::string tried_allocator(const SearchOptions& options, SearchSession& session) {
  if (!allocator_row(options.allocator).tries_others()) return options.allocator;
  for (const std::string_view name : kTried) {
    if (!session.unusable_reason(std::string(name))) return std::string(name);
  }
  return "size-only";
}

}  // namespace

Interval wilson_interval(double hits, double count) {
  const double share = hits / count;
  const double z2 = kZ * kZ / count;
  const double middle = (share + z2 / 2) / (1 + z2);
  const double half = kZ * std::sqrt(share * (1 - share) / count + z2 / (4 * count)) / (1 + z2);
  return {.lower = std::max(0.0, middle - half), .upper = std::min(1.0, middle + half)};
}

/// Evaluates networks on the samples for the loss.
struct LossTarget::Judge {
  Judge(const pipeline::Model& given, pipeline::Samples& samples, const SearchOptions& asked)
      : model(given),
        dataset(*samples.dataset),
        options(asked),
        ranges(given, *samples.dataset, samples.indices, calibration_of(asked)),
        rounding(rounding_for_check(roles_of(samples.indices, asked.more_samples))) {
    evaluation.batch_size = asked.batch_size;
    evaluation.executor = judging_executor(asked);
    evaluation.task = "float network";
    evaluation.keep_outputs = true;
    reference = pipeline::evaluate(model.graph, dataset, asked.loss_samples, evaluation);
    evaluation.keep_outputs = false;
    evaluation.executor.integer_kernels = true;
    evaluation.task = "loss";
    evaluation.reference_logits = &reference.logits;
  }

  [[nodiscard]] bool has_labels() const { return reference.evaluation.top1.has_value(); }

  report::Evaluation of(const allocation::Allocation& allocation, const ProgressHandler& progress) {
    const pipeline::QuantizedNetwork network =
        round_for_check(model, dataset, rounding, ranges, allocation, options);
    return pipeline::evaluate(
               network.graph, dataset, options.loss_samples, evaluation, nullptr, progress)
        .evaluation;
  }

  const pipeline::Model& model;
  data::Dataset& dataset;
  const SearchOptions& options;
  ActivationRanges ranges;
  std::vector<std::int64_t> rounding;
  pipeline::EvaluateOptions evaluation;
  pipeline::EvaluateOutcome reference;
};

LossTarget::LossTarget(const pipeline::Model& model,
                       pipeline::Samples& samples,
                       const SearchOptions& options,
                       SearchSession& session,
                       const ProgressHandler& progress)
    : options_(options), session_(session), progress_(progress) {
  if (options.request.scheme != allocation::Scheme::Free ||
      options.request.accounting == allocation::Accounting::Paper) {
    throw ConfigError("--max-loss",
                      "searches for the size of the file, which --scheme and --accounting paper do "
                      "not count; leave them out");
  }
  if (options.loss_samples.size() < kFewest) {
    throw DataError("--max-loss",
                    fmt::format("needs {} samples that no other step uses to measure the loss, but "
                                "{} are left; give more data or fewer --samples",
                                kFewest,
                                options.loss_samples.size()));
  }
  judge_ = std::make_unique<Judge>(model, samples, options);
  const report::Evaluation& reference = judge_->reference.evaluation;
  if (reference.classes == 0) {
    throw ConfigError("--max-loss",
                      "is the share of predictions that are lost, but the first output of this "
                      "network is not class scores; give a size, or use 'ompq sweep' with "
                      "--eval-command, which measures the loss of any network");
  }
  allocator_ = tried_allocator(options, session);
  report_ = {.max_loss = options.max_loss.value(),
             .measure = judge_->has_labels() ? "top-1, percentage points"
                                             : "samples whose predicted class changes, percent",
             .samples = reference.samples};
}

LossTarget::~LossTarget() = default;

LossTarget::Loss LossTarget::loss_of(const allocation::Allocation& allocation) {
  const report::Evaluation found = judge_->of(allocation, progress_);
  const auto count = static_cast<double>(found.samples);
  const double changed = 1 - found.agreement.value();
  if (!judge_->has_labels()) {
    const Interval interval = wilson_interval(changed * count, count);
    return {.percent = 100 * changed,
            .interval = {.lower = 100 * interval.lower, .upper = 100 * interval.upper}};
  }
  // The networks are compared on the same samples, so only those whose class changes can differ in
  // top-1. Interval of Agresti and Min 2005 for paired shares: half a sample is added to each of
  // the four cells, which covers the case of few changes.
  const double lost = judge_->reference.evaluation.top1.value() - found.top1.value();
  const double middle = lost * count / (count + 2);
  const double discordant = (changed * count + 1) / (count + 2);
  const double half = kZ * std::sqrt((discordant - middle * middle) / (count + 2));
  return {.percent = 100 * lost,
          .interval = {.lower = 100 * (middle - half), .upper = 100 * (middle + half)}};
}

std::int64_t LossTarget::smallest(const allocation::Budget& budget) {
  std::map<std::int64_t, double> known;  // bytes, loss
  const auto tried = [&](std::int64_t bytes) -> std::optional<std::int64_t> {
    allocation::Budget limited = budget;
    limited.bytes = bytes;
    const SolvedRequest solved = session_.solve(allocator_, limited);
    if (!known.contains(solved.bytes)) {
      known[solved.bytes] = loss_of(solved.allocation).percent;
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
        fmt::format("even the largest file ({}) loses {:.3g} ({}) on {} samples, more than {:g}; "
                    "allow a larger loss, more bits (--candidates), or float activations "
                    "(--act-bits float)",
                    format_bytes(report_.trials.back().bytes),
                    report_.trials.back().loss,
                    report_.measure,
                    report_.samples,
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

bool LossTarget::keeps(const allocation::Allocation& chosen) {
  const Loss loss = loss_of(chosen);
  report_.loss = loss.percent;
  report_.lower = loss.interval.lower;
  report_.upper = loss.interval.upper;
  return loss.percent <= report_.max_loss;
}

}  // namespace ompq::search
