#include "ompq/allocation/integer_program.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "ompq/allocation/branch_and_bound.h"
#include "ompq/allocation/label_search.h"
#include "ompq/allocation/multiple_choice.h"
#include "ompq/core/error.h"

namespace ompq::allocation {
namespace {

using Choice = MultipleChoice::Choice;

constexpr std::string_view kNothingFits = "no choice of widths meets all budgets";
constexpr std::int64_t kNoLimit = std::int64_t{1} << 60;

/// Limit of labels of the first dynamic programming.
constexpr std::size_t kQuickLabels = 30000;
/// Beam widths of the search for better choices if the first attempt fails.
constexpr std::size_t kFirstBeam = 30;
constexpr std::size_t kLastBeam = 2430;

/// Alternates search and fixing: every better choice leaves fewer columns to search.
std::optional<Choice> tighten(MultipleChoice& problem) {
  std::optional<Choice> best = find_good_choice(problem);
  if (!best) return best;
  fix_columns(problem, problem.value_of(*best), *best);
  for (int round = 0; round < 4; ++round) {
    std::optional<Choice> next = find_good_choice(problem);
    if (!next || problem.value_of(*next) <= problem.value_of(*best)) break;
    best = std::move(next);
    fix_columns(problem, problem.value_of(*best), *best);
  }
  return best;
}

bool is_decided(const MultipleChoice& problem) {
  return std::all_of(problem.items.begin(), problem.items.end(), [](const auto& columns) {
    return columns.size() == 1;
  });
}

double relative_gap(double bound, double objective) {
  return std::abs(bound - objective) / std::max(std::abs(objective), 1e-12);
}

/// The result of the steps after fixing.
struct Outcome {
  std::optional<Choice> choice;
  bool proven = true;
  double bound = 0;
  std::string solver;
};

/// Dynamic programming from a quick start, which suffices for most networks. Otherwise increasingly
/// wide beams find better choices, each of which leaves fewer columns to search.
/// @return nullopt if it is disabled; an unproven outcome if there are too many labels.
std::optional<Outcome> search_labels(MultipleChoice& core, const IntegerOptions& options) {
  std::optional<Choice> best = options.max_labels > 0 ? find_quick_choice(core) : std::nullopt;
  if (!best) return std::nullopt;
  fix_columns(core, core.value_of(*best), *best);
  if (is_decided(core)) return Outcome{best, true, core.value_of(*best), "bounds"};
  LabelResult result = deepening_search(core, *best, std::min(options.max_labels, kQuickLabels));
  for (std::size_t beam = kFirstBeam; !result.finished && beam <= kLastBeam; beam *= 3) {
    std::optional<Choice> next = beam_search(core, *best, beam);
    if (!next) continue;
    best = std::move(next);
    fix_columns(core, core.value_of(*best), *best);
  }
  if (!result.finished) result = label_search(core, best, options.max_labels);
  if (result.better) best = std::move(result.better);
  const double bound = result.finished ? core.value_of(*best) : core.bound;
  return Outcome{std::move(best), result.finished, bound, "labels"};
}

Outcome branch(const MultipleChoice& core,
               std::optional<Choice> best,
               const IntegerOptions& options,
               double elapsed) {
  if (best && is_decided(core)) return {best, true, core.value_of(*best), "bounds"};
  if (!best) {  // no feasible choice is known yet
    LabelResult labels = label_search(core, best, options.max_labels);
    if (labels.finished) {
      return {labels.better, true, labels.better ? core.value_of(*labels.better) : 0.0, "labels"};
    }
  }
  BranchAndBoundResult tree =
      branch_and_bound(core, best, std::max(0.0, options.time_limit_seconds - elapsed));
  if (tree.better) best = std::move(tree.better);
  return {best, tree.proven, tree.bound, "cbc"};
}

Solution solve(const Problem& problem, const IntegerOptions& options) {
  const auto began = std::chrono::steady_clock::now();
  const auto elapsed = [&] {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
  };
  MultipleChoice core = make_multiple_choice(problem);
  std::optional<Outcome> found = search_labels(core, options);
  if (!found) found = Outcome{tighten(core), false, core.bound, ""};
  if (!found->proven) found = branch(core, found->choice, options, elapsed());
  const Outcome& outcome = *found;
  if (!outcome.choice) {
    throw InfeasibleBudget("allocation",
                           outcome.proven ? kNothingFits
                                          : "no choice that meets all budgets was found in time; "
                                            "give more time or raise a budget");
  }
  const double sign = problem.sense == Sense::Maximize ? 1.0 : -1.0;
  Solution solution;
  solution.choice = core.widths_of(*outcome.choice);
  solution.objective = objective_of(problem, solution.choice);
  solution.status = outcome.proven ? Status::Optimal : Status::TimeLimit;
  solution.bound = outcome.proven ? solution.objective : sign * outcome.bound;
  solution.gap = relative_gap(solution.bound, solution.objective);
  solution.costs = costs_of(problem, solution.choice);
  solution.seconds = elapsed();
  solution.solver = outcome.solver;
  return solution;
}

/// For each budget, the value that would be feasible with the others unchanged: "12.3 MiB" or "4.56
/// GBOPs".
std::string ways_out(const Problem& problem) {
  std::vector<std::string> ways;
  for (std::size_t k = 0; k < problem.constraints.size(); ++k) {
    // All constraints of one budget are raised together.
    if (problem.constraints[k].quantity == Quantity::ActivationBytes) continue;
    Problem relaxed = problem;
    relaxed.sense = Sense::Minimize;
    relaxed.constraints[k].limit = kNoLimit;
    for (Item& item : relaxed.items) {
      for (std::size_t j = 0; j < item.options(); ++j) {
        item.values[j] = static_cast<double>(item.costs[k][j]);
      }
    }
    try {
      const std::int64_t min = solve(relaxed, {.time_limit_seconds = 1}).costs[k];
      ways.push_back(
          fmt::format("{} instead of {}",
                      format_quantity(problem.constraints[k], min),
                      format_quantity(problem.constraints[k], problem.constraints[k].limit)));
    } catch (const InfeasibleBudget&) {
      continue;  // raising only this one does not help
    }
  }
  if (ways.empty()) return "raise several of them";
  return fmt::format("with the others unchanged, {} would be feasible", fmt::join(ways, ", or "));
}

}  // namespace

Solution solve_integer_program(const Problem& problem, const IntegerOptions& options) {
  validate(problem);
  require_feasible(problem);
  try {
    return solve(problem, options);
  } catch (const InfeasibleBudget& error) {
    const std::string message = error.what();
    if (problem.constraints.size() < 2) throw;
    throw InfeasibleBudget(
        "allocation",
        fmt::format("{}; {}", message.substr(message.find("] ") + 2), ways_out(problem)));
  }
}

}  // namespace ompq::allocation
