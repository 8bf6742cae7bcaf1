#include "ompq/allocation/integer_program.h"

#include <algorithm>
#include <chrono>
#include <cmath>

#include "ompq/allocation/branch_and_cut.h"
#include "ompq/allocation/multiple_choice.h"
#include "ompq/core/error.h"

namespace ompq::allocation {
namespace {

using Choice = MultipleChoice::Choice;

/// Searches and fixes in turn: every better choice leaves fewer columns to search.
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

}  // namespace

Solution solve_integer_program(const Problem& problem, const IntegerOptions& options) {
  const auto began = std::chrono::steady_clock::now();
  const auto elapsed = [&] {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
  };
  validate(problem);
  require_feasible(problem);
  MultipleChoice core = make_multiple_choice(problem);
  std::optional<Choice> best = tighten(core);
  Solution solution;
  solution.solver = "cbc";
  double bound = core.bound;
  if (best && (is_decided(core) || core.capacity.empty())) {
    bound = core.value_of(*best);
  } else {
    const double left = std::max(0.0, options.time_limit_seconds - elapsed());
    const BranchAndCutResult result = branch_and_cut(core, best, left);
    if (result.better) best = result.better;
    bound = result.bound;
    if (!result.proven) solution.status = Status::TimeLimit;
    if (!best) {
      throw InfeasibleBudget("allocation",
                             result.proven
                                 ? "no choice of widths holds all budgets together; raise one"
                                 : "no choice that holds all budgets was found in time; give more "
                                   "time or raise a budget");
    }
  }
  const double sign = problem.sense == Sense::Maximize ? 1.0 : -1.0;
  solution.choice = core.widths_of(*best);
  solution.objective = objective_of(problem, solution.choice);
  solution.bound = solution.status == Status::Optimal ? solution.objective : sign * bound;
  solution.gap = relative_gap(solution.bound, solution.objective);
  solution.costs = costs_of(problem, solution.choice);
  solution.seconds = elapsed();
  return solution;
}

}  // namespace ompq::allocation
