#include "ompq/search/auto_search.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "ompq/core/elapsed.h"
#include "ompq/core/error.h"
#include "ompq/search/allocate.h"
#include "ompq/search/combined_metrics.h"

namespace ompq::search {
namespace {

/// Every decision's current width and the neighbouring candidates, with the measured change of the
/// divergence.
struct Neighbourhood {
  std::vector<allocation::DecisionItem> decisions;
  std::vector<std::vector<int>> widths;      ///< [decision], ascending, including the current width
  std::vector<std::vector<double>> changes;  ///< [decision][width]; 0 for the current width
};

Neighbourhood measure_neighbourhood(const allocation::AllocationRequest& request,
                                    const NetworkWidths& current,
                                    FidelityProbe& probe,
                                    const ProgressHandler& progress) {
  Neighbourhood result{.decisions = allocation::decision_items(request.layers)};
  std::vector<std::vector<int>> tried;
  for (const auto& decision : result.decisions) {
    const std::vector<int> candidates = allocation::candidates_of(request, decision.leader);
    const int own = current.weights[decision.leader];
    const auto at = std::find(candidates.begin(), candidates.end(), own);
    auto& widths = result.widths.emplace_back();
    if (at == candidates.end()) {  // the width is not a candidate: it may only stay
      widths = {own};
    } else {
      widths.assign(at == candidates.begin() ? at : at - 1,
                    at + 1 == candidates.end() ? at + 1 : at + 2);
    }
    auto& others = tried.emplace_back(widths);
    std::erase(others, own);
  }
  const double here = probe.divergence(current);
  const auto measured = probe.alternatives(current, result.decisions, tried, progress);
  for (std::size_t d = 0; d < result.decisions.size(); ++d) {
    auto& changes = result.changes.emplace_back();
    std::size_t next = 0;
    for (const int width : result.widths[d]) {
      const bool own = width == current.weights[result.decisions[d].leader];
      changes.push_back(own ? 0.0 : measured[d][next++] - here);
    }
  }
  return result;
}

/// The best step by the measured changes, with a penalty per move; `promise` is the sum of its
/// changes.
struct Step {
  allocation::Allocation allocation;
  double promise = 0;
  int moves = 0;
};

Step propose_step(const allocation::AllocationRequest& request,
                  const pipeline::FileSize& size,
                  const allocation::Allocation& from,
                  const Neighbourhood& near,
                  double penalty) {
  const std::vector<int>& current = from.weight_bits;
  allocation::AllocationRequest local = request;
  for (std::size_t a = 0; a < local.activations.size(); ++a) {
    local.activations[a].candidates = {from.tensor_bits[a]};
  }
  local.layer_candidates.assign(request.layers.size(), {});
  local.loss.assign(request.layers.size(), {});
  for (std::size_t d = 0; d < near.decisions.size(); ++d) {
    for (const std::size_t l : near.decisions[d].layers) {
      local.layer_candidates[l] = near.widths[d];
      local.loss[l].assign(near.widths[d].size(), 0.0);
    }
    const std::size_t leader = near.decisions[d].leader;
    for (std::size_t w = 0; w < near.widths[d].size(); ++w) {
      const bool moves = near.widths[d][w] != current[leader];
      local.loss[leader][w] = near.changes[d][w] + (moves ? penalty : 0.0);
    }
  }
  Step step;
  try {
    step.allocation = allocate(allocation::allocator("integer").allocate, local, size);
  } catch (const InfeasibleBudget&) {
    // The cost model is off by a few bytes that matter here: no step is possible.
    step.allocation = from;
    return step;
  }
  for (std::size_t d = 0; d < near.decisions.size(); ++d) {
    const int width = step.allocation.weight_bits[near.decisions[d].leader];
    const auto at = std::find(near.widths[d].begin(), near.widths[d].end(), width);
    step.promise += near.changes[d][static_cast<std::size_t>(at - near.widths[d].begin())];
    step.moves += width != current[near.decisions[d].leader] ? 1 : 0;
  }
  return step;
}

/// Takes the longest of a few proposed steps that lowers the divergence significantly. Neighbours
/// are measured with `ranking`, on half of the samples; steps are accepted with `refining`, on all
/// samples.
bool improve(allocation::Allocation& best,
             const allocation::AllocationRequest& request,
             const pipeline::FileSize& size,
             FidelityProbe& ranking,
             FidelityProbe& refining,
             const ProgressHandler& progress) {
  const NetworkWidths current = widths_of(best);
  const Neighbourhood near = measure_neighbourhood(request, current, ranking, progress);
  // In units of the average gain of a move of the full step.
  constexpr std::array<double, 5> kPenalties{0.0, 0.5, 1.0, 2.0, 4.0};
  double average_gain = 0;
  NetworkWidths last;
  for (const double penalty : kPenalties) {
    Step step = propose_step(request, size, best, near, penalty * average_gain);
    if (step.moves == 0 || step.promise >= 0) return false;
    if (penalty == 0.0) average_gain = -step.promise / step.moves;
    if (widths_of(step.allocation) == last) continue;
    last = widths_of(step.allocation);
    if (refining.surely_better(last, current)) {
      best = std::move(step.allocation);
      return true;
    }
  }
  return false;
}

/// Measures the candidates on the ranking samples, as many as end before the deadline.
/// @param more  that are ranked after them.
/// @return seconds for one.
double rank(AutoOutcome& outcome,
            const std::vector<PortfolioCandidate>& candidates,
            std::size_t more,
            FidelityProbe& ranking,
            const Deadline& deadline,
            const ProgressHandler& progress) {
  auto& rows = outcome.report.candidates;
  const auto began = Deadline::Clock::now();
  double seconds = 0;
  (void)finishes_before(deadline, [&] {
    for (const PortfolioCandidate& candidate : candidates) {
      if (deadline.forbids(seconds * static_cast<double>(1 + more))) return;
      const NetworkWidths widths = widths_of(candidate.allocation);
      rows.push_back({candidate.origin, widths.weights, ranking.divergence(widths)});
      seconds = seconds_since(began) / static_cast<double>(rows.size());
      if (progress) {
        progress({"portfolio",
                  static_cast<std::int64_t>(rows.size()),
                  static_cast<std::int64_t>(candidates.size()),
                  candidate.origin});
      }
    }
  });
  if (rows.size() < candidates.size()) {
    outcome.report.left_out.push_back(fmt::format(
        "ranking {} of {} candidates", candidates.size() - rows.size(), candidates.size()));
  }
  return seconds;
}

/// Indices of the best ranked candidates with distinct widths.
std::vector<std::size_t> best_of(const std::vector<report::Portfolio::Candidate>& ranked,
                                 std::size_t count) {
  std::vector<std::size_t> order(ranked.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return ranked[a].divergence < ranked[b].divergence;
  });
  std::vector<std::size_t> best;
  for (const std::size_t i : order) {
    const auto same = [&](std::size_t j) { return ranked[i].weight_bits == ranked[j].weight_bits; };
    if (best.size() < count && std::ranges::none_of(best, same)) best.push_back(i);
  }
  return best;
}

/// The first `count` candidates to check: the best ranked. If the ranking is rough, the one that is
/// best ranked is followed by those that `judges` prefers.
std::vector<std::size_t> to_check(const std::vector<report::Portfolio::Candidate>& ranked,
                                  std::size_t count,
                                  const AutoJudges& judges) {
  std::vector<std::size_t> order = best_of(ranked, ranked.size());
  if (judges.ranking_is_rough && order.size() > 2) {
    const auto preferred = [&](std::size_t i) {
      return std::ranges::any_of(judges.preferred, [&](const std::string& origin) {
        return std::ranges::any_of(ranked, [&](const report::Portfolio::Candidate& other) {
          return other.origin == origin && other.weight_bits == ranked[i].weight_bits;
        });
      });
    };
    std::stable_partition(order.begin() + 1, order.end(), preferred);
  }
  order.resize(std::min(order.size(), count));
  return order;
}

/// Ranks the candidates made from the best ones, as many as there is time for.
void rank_combined(AutoOutcome& outcome,
                   std::vector<PortfolioCandidate>& candidates,
                   const AutoJudges& judges,
                   const Deadline& deadline,
                   double seconds) {
  auto& rows = outcome.report.candidates;
  if (!judges.combine || rows.size() < 2 || deadline.forbids(seconds)) return;
  std::vector<std::string> origins;
  for (const std::size_t i : best_of(rows, rows.size())) origins.push_back(rows[i].origin);
  const std::vector<PortfolioCandidate> combined = judges.combine(origins);
  (void)finishes_before(deadline, [&] {
    for (const PortfolioCandidate& candidate : combined) {
      if (deadline.forbids(seconds)) return;
      const NetworkWidths widths = widths_of(candidate.allocation);
      const double divergence = judges.ranking.divergence(widths);
      candidates.insert(candidates.begin() + static_cast<std::ptrdiff_t>(rows.size()), candidate);
      rows.push_back({candidate.origin, widths.weights, divergence});
    }
  });
}

double mean_of(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

double standard_error(const std::vector<double>& values) {
  const double mean = mean_of(values);
  const auto n = static_cast<double>(values.size());
  double squares = 0;
  for (const double value : values) squares += (value - mean) * (value - mean);
  return values.size() < 2 ? 0.0 : std::sqrt(squares / (n - 1) / n);
}

/// An allocation that was checked.
struct Checked {
  PortfolioCandidate candidate;
  std::vector<double> by_sample;
};

/// The choice among the best ranked candidates.
class Choice {
 public:
  Choice(const allocation::AllocationRequest& request,
         const pipeline::FileSize& size,
         const AutoJudges& judges,
         const AutoOptions& options,
         const Deadline& deadline,
         AutoOutcome& outcome,
         const ProgressHandler& progress)
      : request_(request),
        size_(size),
        judges_(judges),
        options_(options),
        deadline_(deadline),
        report_(outcome.report),
        progress_(progress),
        check_seconds_(options.check_seconds) {}

  /// The best of `starts` (best ranked first) on the check samples. Without a check, or the time
  /// for two of them, the first. Those after the first `options.starts` are checked only in the
  /// first half of the time, unless the ranking is rough.
  void check(std::vector<PortfolioCandidate> starts) {
    const std::size_t due = std::min(starts.size(), options_.starts);
    const Deadline further = judges_.ranking_is_rough ? deadline_ : deadline_.part(0.5);
    std::size_t next = 0;
    if (judges_.check && starts.size() > 1 && !deadline_.forbids(2 * check_seconds_)) {
      for (; next < starts.size(); ++next) {
        if ((next < due ? deadline_ : further).forbids(check_seconds_)) break;
        std::optional<Checked> checked = look(starts[next]);
        if (!checked) break;
        if (!best_ || mean_of(checked->by_sample) < mean_of(best_->by_sample)) {
          best_ = std::move(checked);
        }
      }
    }
    if (judges_.check && next < due && starts.size() > 1) {
      leave_out(fmt::format("checking {} of the {} best", due - next, due));
    }
    if (!best_) best_ = Checked{.candidate = std::move(starts.front())};
  }

  /// Refines the best one; keeps the result if the check says that it is better.
  /// @param round_seconds  expected time of the first round.
  void refine(double round_seconds) {
    if (judges_.refining == nullptr) return;
    allocation::Allocation refined = best_->candidate.allocation;
    const Deadline deadline = judges_.check ? deadline_.earlier(check_seconds_) : deadline_;
    auto& steps = report_.steps;
    bool converged = false;
    (void)finishes_before(deadline, [&] {
      // What is refined on few samples must be checked on others, and so must be what it replaces.
      if (judges_.check && best_->by_sample.empty()) {
        if (deadline.forbids(check_seconds_)) return;
        best_ = look(best_->candidate).value();
      }
      if (!deadline.forbids(round_seconds)) {
        steps.push_back(judges_.refining->divergence(widths_of(refined)));
      }
      for (int round = 0; round < options_.max_rounds; ++round) {
        if (deadline.forbids(round_seconds)) return;
        const auto began = Deadline::Clock::now();
        const bool better =
            improve(refined, request_, size_, judges_.ranking, *judges_.refining, progress_);
        round_seconds = seconds_since(began);
        if (!better) break;
        steps.push_back(judges_.refining->divergence(widths_of(refined)));
      }
      converged = true;
    });
    if (!converged) leave_out(steps.size() > 1 ? "further refinement" : "refinement");
    if (widths_of(refined) == widths_of(best_->candidate.allocation)) return;
    const std::string origin = best_->candidate.origin + ", refined";
    if (!judges_.check) {
      best_ = Checked{.candidate = {origin, std::move(refined)}};
      return;
    }
    std::optional<Checked> checked = look({origin, std::move(refined)});
    if (!checked) {
      leave_out("checking the refined allocation, which was discarded");
    } else if (surely_below(checked->by_sample, best_->by_sample)) {
      best_ = std::move(checked);
    }
  }

  [[nodiscard]] PortfolioCandidate best() && { return std::move(best_->candidate); }

 private:
  /// nullopt if the deadline came first.
  std::optional<Checked> look(PortfolioCandidate candidate) {
    Checked checked{.candidate = std::move(candidate)};
    const auto began = Deadline::Clock::now();
    const bool in_time = finishes_before(
        deadline_, [&] { checked.by_sample = judges_.check(checked.candidate.allocation); });
    if (!in_time) return std::nullopt;
    check_seconds_ = seconds_since(began);
    report_.checked.push_back({.origin = checked.candidate.origin,
                               .divergence = mean_of(checked.by_sample),
                               .standard_error = standard_error(checked.by_sample)});
    if (progress_) {
      progress_({"check",
                 static_cast<std::int64_t>(report_.checked.size()),
                 0,
                 checked.candidate.origin});
    }
    return checked;
  }
  void leave_out(std::string what) { report_.left_out.push_back(std::move(what)); }

  const allocation::AllocationRequest& request_;
  const pipeline::FileSize& size_;
  const AutoJudges& judges_;
  const AutoOptions& options_;
  const Deadline& deadline_;
  report::Portfolio& report_;
  const ProgressHandler& progress_;
  std::optional<Checked> best_;
  double check_seconds_;
};

}  // namespace

AutoOutcome choose_best(std::vector<PortfolioCandidate> candidates,
                        const allocation::AllocationRequest& request,
                        const pipeline::FileSize& size,
                        const AutoJudges& judges,
                        const AutoOptions& options,
                        const Deadline& deadline,
                        const ProgressHandler& progress) {
  if (candidates.empty()) {
    throw InternalError("auto", "no candidate allocation to choose from");
  }
  AutoOutcome outcome;
  // Checking some decides more than ranking all.
  const auto least_checks = static_cast<double>(judges.ranking_is_rough ? options.starts + 1 : 2);
  const double part = judges.ranking_is_rough ? 0.85 : 0.5;
  const double checks = std::min(least_checks * options.check_seconds, part * deadline.remaining());
  const Deadline ranked = deadline.earlier(checks);
  const std::size_t means = judges.combine ? kMostMeans : 0;
  const double pass_seconds = rank(outcome, candidates, means, judges.ranking, ranked, progress);
  rank_combined(outcome, candidates, judges, ranked, pass_seconds);
  const std::size_t count = options.starts + options.further_starts;
  std::vector<PortfolioCandidate> starts;
  for (const std::size_t i : to_check(outcome.report.candidates, count, judges)) {
    starts.push_back(candidates[i]);
  }
  if (starts.empty()) starts.push_back(candidates.front());
  Choice choice(request, size, judges, options, deadline, outcome, progress);
  choice.check(std::move(starts));
  // The first round takes about one pass per decision; later ones as long as the last.
  choice.refine(pass_seconds * static_cast<double>(request.layers.size()));
  PortfolioCandidate best = std::move(choice).best();
  outcome.best = std::move(best.allocation);
  outcome.report.winner = std::move(best.origin);
  outcome.report.time_limit_struck = !outcome.report.left_out.empty();
  return outcome;
}

}  // namespace ompq::search
