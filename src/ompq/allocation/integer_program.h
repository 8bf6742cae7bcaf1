#pragma once

#include "ompq/allocation/problem.h"

namespace ompq::allocation {

struct IntegerOptions {
  double time_limit_seconds = 60;
};

/// The exact optimum of a multiple-choice knapsack with any number of budgets: linear relaxation
/// (CLP), a feasible start by greedy repair and swaps, reduced-cost fixing of all widths that
/// cannot be part of a better solution, branch and cut (CBC) over what is left. Costs are compared
/// in whole numbers, so a returned choice never exceeds a budget. Deterministic unless the time
/// limit strikes.
/// @throws InfeasibleBudget with the least possible cost.
[[nodiscard]] Solution solve_integer_program(const Problem& problem,
                                             const IntegerOptions& options = {});

}  // namespace ompq::allocation
