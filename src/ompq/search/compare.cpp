#include "ompq/search/compare.h"

#include <algorithm>
#include <chrono>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "ompq/core/elapsed.h"
#include "ompq/core/error.h"
#include "ompq/fields/read.h"
#include "ompq/fields/write.h"
#include "ompq/pipeline/calibrate.h"
#include "ompq/pipeline/journal.h"
#include "ompq/pipeline/stopwatch.h"
#include "ompq/search/compensated_network.h"
#include "ompq/search/fingerprint.h"
#include "ompq/search/paired_comparison.h"
#include "ompq/search/rank_correlation.h"
#include "ompq/search/session.h"
#include "ompq/search/width_check.h"

namespace ompq::search {
namespace {

using Clock = std::chrono::steady_clock;

std::filesystem::path default_journal(const pipeline::Model& model,
                                      const std::string& fingerprint) {
  return fmt::format("{}.compare-{}.journal", model.file.stem().string(), fingerprint.substr(0, 8));
}

/// Quantizes and evaluates; activations are float if no width is given.
class Bench {
 public:
  Bench(const pipeline::Model& model,
        pipeline::Samples& samples,
        pipeline::Samples& evaluation,
        const CompareOptions& options,
        const ProgressHandler& progress)
      : model_(model),
        samples_(samples),
        evaluation_(evaluation),
        options_(options),
        progress_(progress) {}

  report::Evaluation float_network() {
    (void)reference();
    return float_->evaluation;
  }

  /// @throws DataError unless an evaluation from a journal is of these samples.
  void require_own(const report::Evaluation& made) const {
    const auto count = static_cast<std::int64_t>(evaluation_.indices.size());
    if (made.samples > 0 && made.samples <= count && made.skipped == count - made.samples) return;
    throw DataError("evaluation",
                    fmt::format("it is of {} samples and {} skipped ones, but there are {}",
                                made.samples,
                                made.skipped,
                                count));
  }

  pipeline::EvaluateOutcome quantized(const std::vector<int>& weight_bits,
                                      const std::string& task) {
    const pipeline::QuantizedNetwork network = rounded(weight_bits);
    pipeline::EvaluateOptions options = options_.evaluation;
    options.task = task;
    options.reference_logits = &reference();
    return pipeline::evaluate(
        network.graph, *evaluation_.dataset, evaluation_.indices, options, nullptr, progress_);
  }

 private:
  pipeline::QuantizedNetwork rounded(const std::vector<int>& weight_bits) {
    const rounding::WeightOptions& weights = options_.search.weights;
    if (!options_.search.compensated) {
      return pipeline::quantize_network(model_, weight_bits, activations(), weights);
    }
    std::vector<std::int64_t> samples = samples_.indices;
    const auto& more = options_.search.more_samples;
    samples.insert(samples.end(), more.begin(), more.end());
    std::ranges::sort(samples);
    return compensated_network(model_,
                               weight_bits,
                               pipeline::nearest_codes(model_, weight_bits, activations(), weights),
                               *samples_.dataset,
                               samples,
                               {},
                               options_.search);
  }

  /// The float network's outputs, computed once.
  const Tensor& reference() {
    if (!float_) {
      pipeline::EvaluateOptions options = options_.evaluation;
      options.keep_outputs = true;
      float_ = pipeline::evaluate(
          model_.graph, *evaluation_.dataset, evaluation_.indices, options, nullptr, progress_);
    }
    return float_->logits;
  }

  const rounding::ActivationQuantizers& activations() {
    if (calibrated_) return activations_;
    std::vector<std::optional<int>> bits;
    for (const int width :
         allocation::widest_activation_bits(free_request(model_, options_.search.request))) {
      bits.push_back(width == allocation::kFloatBits ? std::nullopt : std::optional(width));
    }
    activations_ = pipeline::calibrate(model_, bits, samples_, options_.calibration, progress_);
    calibrated_ = true;
    return activations_;
  }

  const pipeline::Model& model_;
  pipeline::Samples& samples_;
  pipeline::Samples& evaluation_;
  const CompareOptions& options_;
  const ProgressHandler& progress_;
  std::optional<pipeline::EvaluateOutcome> float_;
  rounding::ActivationQuantizers activations_;
  bool calibrated_ = false;
};

/// A row with what its network gets right.
struct UnitResult {
  report::ComparisonRow row;
  Hits hits;
};

/// The same as stored in the journal.
struct KeptUnit {
  report::ComparisonRow row;
  std::string correct;
  std::string agrees;
};

template <typename Visitor, fields::Of<KeptUnit> Struct>
void list_fields(Visitor& v, Struct& s) {
  v.type("KeptUnit", "");
  v("row", s.row, "");
  v("correct", s.correct, "by sample", fields::kOmitEmpty);
  v("agrees", s.agrees, "by sample", fields::kOmitEmpty);
}

/// Runs the units of work that are not yet in the journal.
class ComparisonRun {
 public:
  ComparisonRun(pipeline::Journal& journal,
                Bench& bench,
                SearchSession& session,
                const WidthCheck& check,
                const CompareOptions& options)
      : journal_(journal), bench_(bench), session_(session), check_(check), options_(options) {}

  report::Evaluation float_evaluation() {
    const auto kept = journal_.take("float", [&](const std::string& json) {
      auto evaluation = kept_unit<report::Evaluation>(json);
      bench_.require_own(evaluation);
      return evaluation;
    });
    if (kept) return *kept;
    const report::Evaluation evaluation = bench_.float_network();
    journal_.append("float", fields::text_of(fields::to_json(evaluation)));
    return evaluation;
  }

  UnitResult row(const std::string& allocator, const allocation::Budget& budget) {
    const std::string words = allocation::describe(budget);
    const std::string key = fmt::format("{} at {}", allocator, allocation::exact_text(budget));
    return unit(key, allocator, budget, [&] {
      UnitResult result{.row = {.budget = words, .allocator = allocator}, .hits = {}};
      report::ComparisonRow& row = result.row;
      measure(allocator);
      const auto began = Clock::now();
      try {
        fill(row, session_.solve(allocator, budget));
      } catch (const InfeasibleBudget& error) {
        row.refused = error.what();
        return result;
      } catch (const DataError& error) {  // its metric could not be measured
        row.refused = error.what();
        return result;
      }
      row.seconds = seconds_since(began) + measuring_seconds_[allocator];
      judge(result, row.allocator + ", " + words);
      return result;
    });
  }

  report::ComparisonRow random(std::int64_t index, const allocation::Budget& budget) {
    const std::string words = allocation::describe(budget);
    const std::string key = fmt::format("random {} at {}", index, allocation::exact_text(budget));
    return unit(key,
                "random",
                budget,
                [&] {
                  UnitResult result{.row = {.budget = words, .allocator = "random"}, .hits = {}};
                  const auto seed =
                      options_.search.request.seed + static_cast<std::uint64_t>(index);
                  fill(result.row, session_.random(budget, seed));
                  judge(result, fmt::format("random {}, {}", index, words));
                  return result;
                })
        .row;
  }

 private:
  /// Quantizes and evaluates a network, unless an earlier row has the same widths.
  void judge(UnitResult& result, const std::string& task) {
    const auto known = judged_.find(result.row.weight_bits);
    if (known != judged_.end()) {
      result.row.evaluation = known->second.evaluation;
      result.hits = known->second.hits;
      return;
    }
    const pipeline::EvaluateOutcome outcome = bench_.quantized(result.row.weight_bits, task);
    result.row.evaluation = outcome.evaluation;
    result.hits = hits_of(outcome);
    remember(result);
  }

  void remember(const UnitResult& result) {
    if (!result.row.refused.empty()) return;
    judged_.try_emplace(result.row.weight_bits, Judged{result.row.evaluation, result.hits});
  }

  template <typename T>
  [[nodiscard]] T kept_unit(const std::string& json) const {
    const fields::Source source{
        .place = journal_.path().string(), .remedy = "remove it to start again", .finite = true};
    return fields::from_json<T>(fields::parse(json, source), source);
  }

  /// A row of the journal, whose costs are computed again.
  [[nodiscard]] UnitResult kept_row(const std::string& json,
                                    const std::string& allocator,
                                    const allocation::Budget& budget) const {
    auto kept = kept_unit<KeptUnit>(json);
    report::ComparisonRow& row = kept.row;
    if (row.allocator != allocator || row.budget != allocation::describe(budget)) {
      throw DataError("row",
                      fmt::format("it is of '{}' for {}, not of '{}' for {}",
                                  row.allocator,
                                  row.budget,
                                  allocator,
                                  allocation::describe(budget)));
    }
    if (!row.refused.empty()) return {.row = row, .hits = {}};
    const WidthCheck::Result made = check_.check(allocator, budget, row.weight_bits);
    bench_.require_own(row.evaluation);
    row.average_bits = made.cost.average_bits;
    row.bytes = made.bytes;
    row.gbops = static_cast<double>(made.cost.bops) / 1e9;
    const report::Evaluation& evaluation = row.evaluation;
    return {.row = row,
            .hits = {hits_from_text(kept.correct, evaluation.samples, evaluation.top1),
                     hits_from_text(kept.agrees, evaluation.samples, evaluation.agreement)}};
  }

  template <typename Work>
  UnitResult unit(const std::string& key,
                  const std::string& allocator,
                  const allocation::Budget& budget,
                  Work work) {
    const auto kept = journal_.take(
        key, [&](const std::string& json) { return kept_row(json, allocator, budget); });
    if (kept) {
      remember(*kept);
      return *kept;
    }
    check_interrupt();
    const UnitResult result = work();
    const KeptUnit unit{.row = result.row,
                        .correct = text_of_hits(result.hits.correct),
                        .agrees = text_of_hits(result.hits.agrees)};
    journal_.append(key, fields::text_of(fields::to_json(unit)));
    return result;
  }

  /// Measures for each allocator separately, to time it.
  void measure(const std::string& allocator) {
    if (measuring_seconds_.contains(allocator)) return;
    const auto began = Clock::now();
    session_.prepare({allocator});
    measuring_seconds_[allocator] = seconds_since(began);
  }

  void fill(report::ComparisonRow& row, const SolvedRequest& solved) {
    const allocation::Allocation& allocation = solved.allocation;
    row.weight_bits = allocation.weight_bits;
    row.average_bits = allocation.cost.average_bits;
    row.bytes = solved.bytes;
    row.gbops = static_cast<double>(allocation.cost.bops) / 1e9;
    row.portfolio = solved.portfolio;
  }

  /// What was measured of a network.
  struct Judged {
    report::Evaluation evaluation;
    Hits hits;
  };

  pipeline::Journal& journal_;
  Bench& bench_;
  SearchSession& session_;
  const WidthCheck& check_;
  const CompareOptions& options_;
  std::map<std::string, double> measuring_seconds_;
  std::map<std::vector<int>, Judged> judged_;  ///< by the widths of the weights
};

/// The mean over budgets of the correlation within one.
class MeanCorrelation {
 public:
  void add(const std::optional<double>& value) {
    if (!value) return;
    sum_ += *value;
    ++count_;
  }
  [[nodiscard]] std::optional<double> value() const {
    return count_ > 0 ? std::optional(sum_ / count_) : std::nullopt;
  }

 private:
  double sum_ = 0;
  int count_ = 0;
};

using RandomRows = std::vector<std::vector<report::ComparisonRow>>;  // [budget][allocation]

/// Nullopt for an allocator without predictions.
std::optional<report::RankCorrelation> correlate(const std::string& allocator,
                                                 const RandomRows& random,
                                                 SearchSession& session) {
  MeanCorrelation accuracy;
  MeanCorrelation divergence;
  bool predicts = false;
  for (const auto& rows : random) {
    std::vector<double> predicted;
    std::vector<double> errors;
    std::vector<double> divergences;
    for (const auto& row : rows) {
      const auto loss = session.prediction(allocator, row.weight_bits);
      if (!loss) continue;
      predicts = true;
      predicted.push_back(*loss);
      if (row.evaluation.top1) errors.push_back(1 - *row.evaluation.top1);
      if (row.evaluation.divergence) divergences.push_back(*row.evaluation.divergence);
    }
    if (errors.size() == predicted.size()) accuracy.add(rank_correlation(predicted, errors));
    if (divergences.size() == predicted.size()) {
      divergence.add(rank_correlation(predicted, divergences));
    }
  }
  if (!predicts) return std::nullopt;
  return report::RankCorrelation{
      .metric = allocator, .accuracy = accuracy.value(), .divergence = divergence.value()};
}

void require_work(const CompareOptions& options) {
  if (options.budgets.empty()) {
    throw ConfigError("compare", "no budget; give --avg-bits or --size");
  }
  if (options.allocators.empty()) {
    throw ConfigError("compare", "no allocator to compare; give --allocators");
  }
  for (const std::string& name : options.allocators) (void)allocator_row(name);
  if (chooses_activations(options.search.request)) {
    throw ConfigError("compare",
                      fmt::format("all allocators need the same activation width, not {}; use "
                                  "'ompq search' to choose activation widths",
                                  activation_text(options.search.request)));
  }
}

void describe_comparison(report::Comparison& comparison,
                         const pipeline::Model& model,
                         const pipeline::Samples& samples,
                         const pipeline::Samples& evaluation,
                         const CompareOptions& options) {
  comparison.model = {model.file.string(), model.sha256, model.file_bytes};
  comparison.samples = samples.used;
  comparison.evaluated_on = evaluation.used;
  comparison.evaluated_on.skipped = evaluation.dataset->skipped();
  comparison.activation_bits = activation_text(options.search.request);
  comparison.allocators = options.allocators;
  comparison.rounding = options.search.compensated ? "gptq" : "nearest";
  comparison.random_allocations = options.random_allocations;
  for (const auto& budget : options.budgets) {
    comparison.budgets.push_back(allocation::describe(budget));
  }
}

report::Comparison compare_with_journal(const pipeline::Model& model,
                                        pipeline::Samples& samples,
                                        pipeline::Samples& evaluation,
                                        const CompareOptions& options,
                                        const ProgressHandler& progress,
                                        pipeline::Journal& journal) {
  report::Comparison comparison;
  pipeline::Stopwatch watch(comparison.seconds);
  if (progress && journal.resumed() > 0) {
    progress({"journal", static_cast<std::int64_t>(journal.resumed()), 0, journal.path().string()});
  }
  SearchSession session(model, samples, options.search, progress);
  Bench bench(model, samples, evaluation, options, progress);
  const WidthCheck check(model, options.search);
  ComparisonRun comparing(journal, bench, session, check, options);
  comparison.float_evaluation = comparing.float_evaluation();
  std::vector<Hits> hits;  // of each row
  for (const auto& budget : options.budgets) {
    for (const std::string& allocator : options.allocators) {
      UnitResult result = comparing.row(allocator, budget);
      comparison.rows.push_back(std::move(result.row));
      hits.push_back(std::move(result.hits));
    }
  }
  watch.lap("allocators");
  RandomRows random(options.budgets.size());
  for (std::size_t b = 0; b < options.budgets.size(); ++b) {
    for (std::int64_t i = 0; i < options.random_allocations; ++i) {
      random[b].push_back(comparing.random(i, options.budgets[b]));
    }
  }
  for (const std::string& allocator : options.allocators) {
    if (options.random_allocations == 0) break;
    if (auto row = correlate(allocator, random, session)) {
      comparison.rank_correlation.push_back(std::move(*row));
    }
  }
  watch.lap("random allocations");
  describe_comparison(comparison, model, samples, evaluation, options);
  add_differences(comparison, hits);
  return comparison;
}

}  // namespace

report::Comparison compare(const pipeline::Model& model,
                           pipeline::Samples& samples,
                           pipeline::Samples& evaluation,
                           const CompareOptions& options,
                           const ProgressHandler& progress) {
  require_work(options);
  const std::string fingerprint = fingerprint_of(model, samples, evaluation, options);
  pipeline::Journal journal(
      options.journal.empty() ? default_journal(model, fingerprint) : options.journal, fingerprint);
  try {
    report::Comparison comparison =
        compare_with_journal(model, samples, evaluation, options, progress, journal);
    journal.finish();
    return comparison;
  } catch (...) {
    if (journal.size() == 0) journal.finish();  // nothing to resume from
    throw;
  }
}

}  // namespace ompq::search
