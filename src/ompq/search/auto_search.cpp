#include "ompq/search/auto_search.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <numeric>

#include "ompq/core/elapsed.h"
#include "ompq/core/error.h"
#include "ompq/search/allocate.h"

namespace ompq::search {
namespace {

using Clock = std::chrono::steady_clock;

class Deadline {
 public:
  explicit Deadline(double seconds) : seconds_(seconds) {}
  [[nodiscard]] double elapsed() const { return seconds_since(began_); }
  /// True if work of `seconds` would exceed the time limit.
  [[nodiscard]] bool forbids(double seconds) const { return elapsed() + seconds > seconds_; }

 private:
  double seconds_;
  Clock::time_point began_ = Clock::now();
};

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

/// Measures the candidates on the ranking samples; stops at the time limit, but not before the
/// first.
void rank(AutoOutcome& outcome,
          const std::vector<PortfolioCandidate>& candidates,
          FidelityProbe& ranking,
          const Deadline& deadline,
          const ProgressHandler& progress) {
  auto& rows = outcome.report.candidates;
  for (const PortfolioCandidate& candidate : candidates) {
    if (!rows.empty() && deadline.forbids(0)) {
      outcome.report.time_limit_struck = true;
      return;
    }
    const NetworkWidths widths = widths_of(candidate.allocation);
    rows.push_back({candidate.origin, widths.weights, ranking.divergence(widths)});
    if (progress) {
      progress({"portfolio",
                static_cast<std::int64_t>(rows.size()),
                static_cast<std::int64_t>(candidates.size()),
                candidate.origin});
    }
  }
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

/// A candidate with its divergence on all samples before and after every step.
struct Refined {
  allocation::Allocation allocation;
  std::vector<double> steps;
};

/// Measures the first of `starts` again, with more samples, and inserts the result before them.
void remeasure_winner(std::vector<PortfolioCandidate>& starts,
                      AutoOutcome& outcome,
                      const Remeasure& remeasure,
                      FidelityProbe& ranking) {
  auto found = remeasure(starts.front().origin);
  if (!found) return;
  const NetworkWidths widths = widths_of(found->allocation);
  outcome.report.candidates.push_back({found->origin, widths.weights, ranking.divergence(widths)});
  std::erase_if(starts, [&](const PortfolioCandidate& start) {
    return widths_of(start.allocation) == widths;
  });
  starts.insert(starts.begin(), std::move(*found));
}

}  // namespace

AutoOutcome refine_best(const std::vector<PortfolioCandidate>& candidates,
                        const allocation::AllocationRequest& request,
                        const pipeline::FileSize& size,
                        FidelityProbe& ranking,
                        FidelityProbe& refining,
                        const AutoOptions& options,
                        const Remeasure& remeasure,
                        const ProgressHandler& progress) {
  if (candidates.empty()) {
    throw InternalError("auto", "no candidate allocation to choose from");
  }
  const Deadline deadline(options.time_limit_seconds);
  AutoOutcome outcome;
  rank(outcome, candidates, ranking, deadline, progress);
  // The first round takes about one pass per decision over half of the samples; later ones as long
  // as the last.
  double round_seconds = deadline.elapsed() * static_cast<double>(request.layers.size()) /
                         static_cast<double>(outcome.report.candidates.size());
  int rounds = 0;
  std::vector<PortfolioCandidate> starts;
  for (const std::size_t i : best_of(outcome.report.candidates, options.starts)) {
    starts.push_back(candidates[i]);
  }
  if (remeasure && !deadline.forbids(options.remeasure_seconds)) {
    remeasure_winner(starts, outcome, remeasure, ranking);
  }
  for (PortfolioCandidate& start : starts) {
    if (!outcome.report.steps.empty() && outcome.report.time_limit_struck) break;
    Refined refined{.allocation = std::move(start.allocation)};
    refined.steps.push_back(refining.divergence(widths_of(refined.allocation)));
    while (rounds < options.max_rounds) {
      if (deadline.forbids(round_seconds)) {
        outcome.report.time_limit_struck = true;
        break;
      }
      const double began = deadline.elapsed();
      const bool better = improve(refined.allocation, request, size, ranking, refining, progress);
      round_seconds = deadline.elapsed() - began;
      ++rounds;
      if (!better) break;
      refined.steps.push_back(refining.divergence(widths_of(refined.allocation)));
    }
    const bool first = outcome.report.steps.empty();
    if (!first && !refining.surely_better(widths_of(refined.allocation), widths_of(outcome.best))) {
      continue;
    }
    outcome.best = std::move(refined.allocation);
    outcome.report.steps = std::move(refined.steps);
    outcome.report.winner = start.origin;
  }
  return outcome;
}

}  // namespace ompq::search
