#pragma once

#include <cstddef>

#include "ompq/allocation/problem.h"

namespace ompq::allocation {

struct IntegerOptions {
  double time_limit_seconds = 60;
  /// Limit of partial choices for dynamic programming; beyond it, branch and bound is used. 0: only
  /// branch and bound.
  std::size_t max_labels = 300000;
};

/// The exact optimum of a multiple-choice knapsack with any number of budgets. The steps, each of
/// which may already prove the optimum (named in Solution::solver), are: linear relaxation (CLP)
/// for the price of every budget; a quick feasible choice, by which options that no better choice
/// can have are removed ("bounds"); dynamic programming over the rest, first for small gaps to the
/// bound, then from better choices found by beam search ("labels"); branch and bound if that is too
/// large ("cbc"). Costs are compared as integers, so a returned choice never exceeds a budget.
/// Deterministic unless the time limit is reached.
/// @throws InfeasibleBudget with the least possible cost; if several budgets contradict each other,
/// with a feasible value for each.
[[nodiscard]] Solution solve_integer_program(const Problem& problem,
                                             const IntegerOptions& options = {});

}  // namespace ompq::allocation
