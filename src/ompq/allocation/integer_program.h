#pragma once

#include <cstddef>

#include "ompq/allocation/problem.h"

namespace ompq::allocation {

struct IntegerOptions {
  double time_limit_seconds = 60;
  /// Dynamic programming goes as far as this many partial choices; then branch and bound takes
  /// over. 0: branch and bound alone.
  std::size_t max_labels = 300000;
};

/// The exact optimum of a multiple-choice knapsack with any number of budgets, in steps, each of
/// which may already end it (Solution::solver says which did): linear relaxation (CLP) for the
/// price of every budget; a quick feasible choice, with which all options that no better choice can
/// hold are fixed ("bounds"); dynamic programming over what is left, first within small rooms of
/// the bound, then from better and better choices that beams find ("labels"); branch and bound
/// where that is too much ("cbc"). Costs are compared in whole numbers, so a returned choice never
/// exceeds a budget. Deterministic unless the time limit strikes.
/// @throws InfeasibleBudget with the least possible cost; where several budgets exclude each other,
/// with what each would have to be.
[[nodiscard]] Solution solve_integer_program(const Problem& problem,
                                             const IntegerOptions& options = {});

}  // namespace ompq::allocation
