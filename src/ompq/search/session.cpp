#include "ompq/search/session.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <spdlog/spdlog.h>

#include "ompq/core/elapsed.h"
#include "ompq/core/error.h"
#include "ompq/core/log.h"
#include "ompq/graph/passes.h"
#include "ompq/search/allocate.h"
#include "ompq/search/auto_plan.h"
#include "ompq/search/combined_metrics.h"
#include "ompq/search/fidelity_probe.h"
#include "ompq/search/final_check.h"
#include "ompq/search/sample_roles.h"

namespace ompq::search {
namespace {

/// The paper chooses beta manually, between 1e-9 and 100.
constexpr std::array<double, 6> kBetas{1e-9, 1e-2, 1e-1, 1.0, 10.0, 100.0};

/// Of the forward pass in which the report counts.
constexpr double kSamplesOfPass = 256;

std::vector<std::int64_t> sorted(std::vector<std::int64_t> indices) {
  std::ranges::sort(indices);
  return indices;
}

/// True if exp(-beta gamma) underflows for all layers.
bool vanishes(const orm::Importance& importance) {
  return std::ranges::all_of(importance.theta, [](double theta) { return theta == 0.0; });
}

/// A row with the ranges of `allocator` that needs no measurements.
AllocatorRow unmeasured_row(const std::string& allocator) {
  AllocatorRow row = allocator_row("size-only");
  row.paper_ranges = allocator_row(allocator).paper_ranges;
  return row;
}

}  // namespace

/// The state of `auto` that is shared by all budgets.
struct SearchSession::Automatic {
  Automatic(const pipeline::Model& model,
            RoundedWeights& weights,
            const pipeline::Samples& samples,
            const SearchOptions& options,
            const Deadline& deadline)
      : sample_seconds(pass_seconds(model,
                                    *samples.dataset,
                                    samples.indices,
                                    options.batch_size,
                                    judging_executor(options))),
        roles(roles_of(samples.indices, options.more_samples, options.request.seed)),
        left_out(fit_to_time(
            roles, sample_seconds, options.automatic.time_limit_seconds, options.compensated)),
        ranges(model, *samples.dataset, sorted(roles.ranges), calibration_of(options)) {
    const auto probe = [&](std::optional<FidelityProbe>& made,
                           const std::vector<std::int64_t>& indices) {
      if (indices.empty()) return;
      made.emplace(model,
                   weights,
                   ranges,
                   *samples.dataset,
                   indices,
                   options.batch_size,
                   judging_executor(options));
    };
    // With calibrated ranges: what is judged later needs them.
    if (!options.request.activation_candidates.empty()) {
      const std::vector<int> widest(model.discovery.layers.size(),
                                    options.request.activation_candidates.back());
      (void)ranges.quantizers(widest);
    }
    probe(ranking, roles.ranking);
    const auto later = static_cast<double>(roles.refining.size() + roles.checking.size());
    if (later > 0 && deadline.forbids(later * sample_seconds)) {
      left_out.emplace_back("refining and checking");
      return;
    }
    probe(refining, roles.refining);
    probe(checking, roles.checking);
    if (checking) {
      check.emplace(model, *samples.dataset, roles.rounding_for_check, ranges, *checking, options);
    }
  }

  [[nodiscard]] std::int64_t evaluations() const {
    std::int64_t all = 0;
    for (const auto* probe : {&ranking, &refining, &checking}) {
      if (*probe) all += (*probe)->evaluations();
    }
    return all;
  }

  [[nodiscard]] double check_seconds(bool compensated) const {
    const auto judged = static_cast<double>(roles.checking.size());
    const auto rounded = static_cast<double>(compensated ? roles.rounding_for_check.size() : 0);
    return sample_seconds * (kPassesOfJudging * judged + kPassesOfRounding * rounded) +
           rounding_seconds / 3;
  }

  double sample_seconds;  // of a pass of one sample
  SampleRoles roles;
  std::vector<std::string> left_out;  // by the time limit
  ActivationRanges ranges;
  std::optional<FidelityProbe> ranking;
  std::optional<FidelityProbe> refining;
  std::optional<FidelityProbe> checking;
  std::optional<FinalCheck> check;
  Measurements measurements;
  double rounding_seconds = 0;  // for trying all widths
  double seconds = 0;           // for measuring, with that
};

SearchSession::SearchSession(const pipeline::Model& model,
                             pipeline::Samples& samples,
                             const SearchOptions& options,
                             ProgressHandler progress)
    : model_(model),
      samples_(samples),
      options_(options),
      progress_(std::move(progress)),
      weights_(model, options.weights),
      free_(free_request(model, options.request)),
      size_(model, options.weights, options.form) {}

void SearchSession::compensate(std::vector<std::int64_t> indices, const TrialTime* time) {
  if (!options_.compensated || std::exchange(compensated_, true)) return;
  // With more bits, rounding to nearest leaves almost no error to compensate.
  constexpr int kWidest = 6;
  std::vector<int> widths;
  for (const int width : options_.request.candidates) {
    if (width <= kWidest) widths.push_back(width);
  }
  TrialPlan plan{.samples = indices.size()};
  if (time != nullptr) {
    plan = trial_in_time(
        model_, plan.samples, widths.size(), time->sample_seconds, time->planned_seconds);
  }
  if (plan.samples < indices.size()) {
    time->left_out.push_back(fmt::format(
        "trial rounding on {} of {} samples", indices.size() - plan.samples, indices.size()));
    indices.resize(plan.samples);
  }
  weights_.prepare_compensated(widths,
                               *samples_.dataset,
                               indices,
                               options_.request.seed,
                               options_.executor.threads,
                               progress_,
                               plan.care,
                               time != nullptr ? std::optional(time->deadline) : std::nullopt);
}

std::pair<std::int64_t, std::int64_t> SearchSession::file_sizes() const {
  std::vector<int> least;
  std::vector<int> most;
  for (const auto& candidates : allocation::candidates_of(free_)) {
    least.push_back(candidates.front());
    most.push_back(candidates.back());
  }
  const auto activations = allocation::widest_activation_bits(free_);
  return std::minmax({size_.bytes(least, activations), size_.bytes(most, activations)});
}

bool SearchSession::leaves_no_choice(const std::string& allocator) const {
  const auto request = request_for(free_, unmeasured_row(allocator), options_.request, {});
  return !allocation::leaves_a_choice(request);
}

AllocatorRow SearchSession::row_of(const std::string& allocator) const {
  return leaves_no_choice(allocator) ? unmeasured_row(allocator) : allocator_row(allocator);
}

MeasurementPlan SearchSession::plan_for(std::vector<std::string> metrics) const {
  return {.metrics = std::move(metrics),
          .widths = widths_to_measure(free_, options_.request),
          .target = options_.weights.target,
          .beta = options_.beta,
          .seed = options_.request.seed,
          .batch_size = options_.batch_size,
          .executor = options_.executor};
}

void SearchSession::prepare(const std::set<std::string>& allocators) {
  MeasurementPlan plan = plan_for({});
  for (const std::string& name : allocators) {
    const AllocatorRow row = row_of(name);
    if (row.pairs && !measured_.contains(std::string(kPairs))) plan.pairs = true;
    if (row.importance && !measured_.contains(std::string(kOrthogonality))) {
      plan.orthogonality = true;
    }
    const bool fresh = !row.metric.empty() && !measured_.contains(std::string(row.metric));
    if ((plan.pairs && row.pairs) || fresh) {
      if (std::ranges::find(plan.metrics, row.metric) == plan.metrics.end()) {
        plan.metrics.emplace_back(row.metric);
      }
    }
  }
  if (plan.metrics.empty() && !plan.orthogonality) return;
  if (!plan.metrics.empty()) compensate(samples_.indices);
  const bool judged = std::ranges::any_of(plan.metrics, judges_activations);
  if (judged && chooses_activations(options_.request) && !all_.activations) {
    plan.activation_widths = options_.request.activation_candidates;
  }
  Measurements fresh =
      measure(model_, *samples_.dataset, samples_.indices, plan, weights_, progress_);
  note(fresh.dropped);
  all_.losses.merge(fresh.losses);
  if (plan.pairs) all_.pairs = std::move(fresh.pairs);
  if (fresh.activations) all_.activations = std::move(fresh.activations);
  if (fresh.features) {
    all_.features = std::move(fresh.features);
    all_.importance = std::move(fresh.importance);
  }
  all_.dropped.merge(fresh.dropped);
  measured_.insert(plan.metrics.begin(), plan.metrics.end());
  if (plan.pairs) measured_.emplace(kPairs);
  if (all_.features || all_.dropped.contains(std::string(kOrthogonality))) {
    measured_.emplace(kOrthogonality);
  }
}

void SearchSession::note(const std::map<std::string, std::string>& dropped) {
  for (const auto& [name, reason] : dropped) {
    if (dropped_.emplace(name, reason).second) {
      log().warn("'{}' is not measured: {}", name, reason);
    }
  }
}

std::optional<std::string> SearchSession::unusable_reason(const std::string& allocator) {
  const AllocatorRow row = row_of(allocator);
  if (row.tries_others()) return std::nullopt;
  prepare({allocator});
  const auto missing = [&](std::string_view name) { return all_.dropped.find(std::string(name)); };
  auto found = all_.dropped.end();
  if (row.pairs) found = missing(kPairs);
  if (found == all_.dropped.end() && row.importance) found = missing(kOrthogonality);
  if (found == all_.dropped.end() && !row.metric.empty()) found = missing(row.metric);
  if (found == all_.dropped.end()) return std::nullopt;
  return fmt::format("'{}' is not measured: {}", found->first, found->second);
}

const std::map<std::string, sensitivity::LossTable>& SearchSession::losses() const {
  return all_.losses.empty() && automatic_ ? automatic_->measurements.losses : all_.losses;
}

SolvedRequest SearchSession::solve(const std::string& allocator, const allocation::Budget& budget) {
  allocation::AllocationRequest free = free_;
  free.budget = budget;
  const pipeline::FileSize size = size_.answering(budget);
  const AllocatorRow row = row_of(allocator);
  if (row.tries_others()) return solve_automatically(free, size);
  if (const auto reason = unusable_reason(allocator)) {
    throw DataError("search",
                    fmt::format("allocator '{}' cannot be used: {}; auto uses what can be measured",
                                allocator,
                                *reason));
  }
  SolvedRequest solved{.request = request_for(free, row, options_.request, all_)};
  solved.allocation = allocate(allocation::allocator(row.solver).allocate, solved.request, size);
  solved.bytes = size.bytes(solved.allocation);
  return solved;
}

SolvedRequest SearchSession::random(const allocation::Budget& budget, std::uint64_t seed) {
  SolvedRequest solved{.request = free_};
  solved.request.budget = budget;
  const pipeline::FileSize size = size_.answering(budget);
  solved.request.seed = seed;
  solved.allocation = allocate(allocation::allocator("random").allocate, solved.request, size);
  solved.bytes = size.bytes(solved.allocation);
  return solved;
}

std::optional<double> SearchSession::prediction(const std::string& allocator,
                                                const std::vector<int>& weight_bits) {
  const AllocatorRow row = row_of(allocator);
  if (row.tries_others()) {
    return automatic().ranking->divergence(
        {.weights = weight_bits, .activations = allocation::widest_activation_bits(free_)});
  }
  if (unusable_reason(allocator)) return std::nullopt;
  if (!row.metric.empty()) {
    auto loss = predicted_loss(all_.losses.at(std::string(row.metric)), weight_bits);
    if (loss && row.pairs) {
      *loss += predicted_interaction(all_.pairs, weight_bits).value();
    }
    return loss;
  }
  if (!row.importance) return std::nullopt;
  double value = 0;
  for (const auto& item : allocation::decision_items(free_.layers)) {
    value += all_.importance.coefficients[item.leader] * weight_bits[item.leader];
  }
  return -value;
}

SearchSession::Automatic& SearchSession::automatic() {
  return automatic(Deadline(options_.automatic.time_limit_seconds));
}

SearchSession::Automatic& SearchSession::automatic(const Deadline& deadline) {
  if (automatic_) return *automatic_;
  const TimeShares shares = time_shares(options_.compensated);
  const auto began = Deadline::Clock::now();
  auto made = std::make_shared<Automatic>(
      model_, weights_, samples_, options_, deadline.part(shares.rounded));
  const auto prepared = Deadline::Clock::now();
  const TrialTime time{deadline.part(shares.rounded).remaining(),
                       deadline.part(shares.rounded_at_most),
                       made->sample_seconds,
                       made->left_out};
  const bool rounded =
      finishes_before(time.deadline, [&] { compensate(made->roles.rounding, &time); });
  log().debug("auto: {:.1f} s to prepare, {:.4f} s a sample; trial rounding {:.1f} s",
              seconds_since(began) - seconds_since(prepared),
              made->sample_seconds,
              seconds_since(prepared));
  if (!rounded) {
    log().warn(
        "--time-limit is too short to try bit-widths with the rounding that will be used; "
        "allow more time for better ones");
    made->left_out.emplace_back("trial rounding with error compensation");
  }
  made->rounding_seconds = seconds_since(prepared);
  const MeasurementPlan plan = plan_of_auto(model_,
                                            options_.request,
                                            plan_for({}),
                                            {.samples = made->roles.measuring.size(),
                                             .sample_seconds = made->sample_seconds,
                                             .deadline = deadline.part(shares.measured)},
                                            made->left_out);
  made->measurements =
      measure(model_, *samples_.dataset, made->roles.measuring, plan, weights_, progress_);
  note(made->measurements.dropped);
  const auto& measured = made->measurements;
  const auto count = static_cast<std::int64_t>(made->roles.measuring.size());
  if (!measured.unmeasured.empty()) {
    made->left_out.push_back(fmt::format("measuring {}", fmt::join(measured.unmeasured, ", ")));
  }
  if (measured.samples > 0 && measured.samples < count) {
    made->left_out.push_back(
        fmt::format("measuring on {} of {} samples", count - measured.samples, count));
  }
  made->seconds = seconds_since(began);
  log().debug("auto: measured on {} samples in {:.1f} s",
              measured.samples,
              made->seconds - made->rounding_seconds);
  automatic_ = std::move(made);
  return *automatic_;
}

std::vector<PortfolioCandidate> SearchSession::candidates(const allocation::AllocationRequest& free,
                                                          const pipeline::FileSize& size,
                                                          const Deadline& deadline,
                                                          std::vector<std::string>& left_out) {
  const Measurements& measured = automatic().measurements;
  std::vector<PortfolioCandidate> found;
  std::vector<std::string> late;
  const auto add = [&](const AllocatorRow& row, const Measurements& by, std::string origin) {
    if (!found.empty() && deadline.forbids(0)) {
      late.push_back(std::move(origin));
      return;
    }
    try {
      const auto request = request_for(free, row, options_.request, by);
      auto made = allocate(allocation::allocator(row.solver).allocate, request, size);
      // The paper's ranges may have widths that are not asked for.
      if (!has_candidates_only(free, made)) return;
      found.push_back({std::move(origin), std::move(made)});
    } catch (const InfeasibleBudget&) {
      // Another allocator may have a solution: the paper's ranges are narrower.
    } catch (const DataError&) {
      // A required measurement was dropped, which was already reported.
    }
  };
  for (const AllocatorRow& row : allocator_table()) {
    if (row.tries_others() || row.is_random) continue;
    if (row.pairs && measured.pairs.pairs.empty()) continue;
    if (row.paper_ranges && allocation::limit_count(free.budget) > 1)
      continue;  // their rounding knows one
    if (!row.metric.empty() && !measured.losses.contains(std::string(row.metric))) continue;
    if (row.importance && !measured.features) continue;
    if (!row.importance) {
      add(row, measured, std::string(row.name));
      continue;
    }
    for (const double beta : kBetas) {
      Measurements sharper = measured;
      sharper.importance = importance_of_leaders(measured.features->matrix, free.layers, beta);
      if (vanishes(sharper.importance)) continue;
      if (!row.metric.empty()) {
        const std::string metric(row.metric);
        sharper.losses[metric] = importance_losses(model_,
                                                   metric,
                                                   sharper.importance,
                                                   widths_to_measure(free, options_.request),
                                                   weights_);
      }
      add(row, sharper, fmt::format("{} beta={}", row.name, beta));
    }
  }
  if (!late.empty()) left_out.push_back(fmt::format("solving {}", fmt::join(late, ", ")));
  return found;
}

std::vector<PortfolioCandidate> SearchSession::combined(const allocation::AllocationRequest& free,
                                                        const pipeline::FileSize& size,
                                                        const std::vector<std::string>& origins) {
  // The losses of activations are on the scale of one metric.
  if (chooses_activations(options_.request)) return {};
  std::vector<PortfolioCandidate> found;
  for (const CombinedMetrics& mean : combine_metrics(automatic().measurements, origins)) {
    try {
      const auto request = request_for(free, mean.row, options_.request, mean.measurements);
      const auto solve = allocation::allocator(mean.row.solver).allocate;
      found.push_back({mean.origin, allocate(solve, request, size)});
    } catch (const InfeasibleBudget&) {  // as for candidates()
    }
  }
  return found;
}

SolvedRequest SearchSession::solve_automatically(const allocation::AllocationRequest& free,
                                                 const pipeline::FileSize& size) {
  const Deadline whole(options_.automatic.time_limit_seconds);
  const bool first = automatic_ == nullptr;
  Automatic& state = automatic(whole);
  // For further budgets, the measurements count as if they were made again.
  const Deadline deadline = first ? whole : whole.earlier(state.seconds);
  std::vector<std::string> left_out = state.left_out;
  const auto found =
      candidates(free, size, deadline.part(time_shares(options_.compensated).solved), left_out);
  log().debug("auto: {} candidates after {:.1f} s", found.size(), whole.elapsed());
  const AllocatorRow& first_row = allocator_row("size-only");
  SolvedRequest solved{.request =
                           request_for(free, first_row, options_.request, state.measurements)};
  if (found.empty()) {  // throws with the infeasible budget and the least possible
    (void)allocate(allocation::allocator(first_row.solver).allocate, solved.request, size);
  }
  AutoOptions options = options_.automatic;
  options.check_seconds = state.check_seconds(options_.compensated);
  const std::int64_t before = state.evaluations();
  AutoJudges judges{.ranking = *state.ranking,
                    .ranking_is_rough = options_.compensated,
                    .preferred = output_metrics()};
  if (state.refining) judges.refining = &*state.refining;
  if (state.check) {
    judges.check = [&](const allocation::Allocation& asked) {
      return state.check->by_sample(asked);
    };
  }
  judges.combine = [&](const auto& origins) { return combined(free, size, origins); };
  AutoOutcome outcome =
      choose_best(found, solved.request, size, judges, options, deadline, progress_);
  log().debug("auto: chosen after {:.1f} s", whole.elapsed());
  auto& report = outcome.report;
  if (report.candidates.empty()) {
    log().warn(
        "--time-limit is too short to run a single allocation; {} was not compared with others",
        report.winner);
  }
  report.measure = divergence_measure(graph::with_float_outputs(model_.graph));
  report.evaluations = state.evaluations() - before;
  if (state.sample_seconds > 0) {
    report.passes =
        (whole.elapsed() + (first ? 0.0 : state.seconds)) / (kSamplesOfPass * state.sample_seconds);
  }
  report.left_out.insert(report.left_out.begin(), left_out.begin(), left_out.end());
  report.time_limit_struck = !report.left_out.empty();
  const auto count = [](const auto& role) { return static_cast<std::int64_t>(role.size()); };
  report.samples = report::Portfolio::Roles{.rounding = count(state.roles.rounding),
                                            .measuring = count(state.roles.measuring),
                                            .ranking = count(state.roles.ranking),
                                            .refining = count(state.roles.refining),
                                            .checking = count(state.roles.checking)};
  solved.allocation = std::move(outcome.best);
  solved.bytes = size.bytes(solved.allocation);
  solved.portfolio = std::move(outcome.report);
  return solved;
}

}  // namespace ompq::search
