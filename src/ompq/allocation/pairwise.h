#pragma once

#include "ompq/allocation/request.h"

namespace ompq::allocation {

/// The least sum of request.loss, activation_loss and request.pairs under the budgets. Decisions
/// that pairs join are merged into items as long as these stay small, which makes the answer exact
/// (Solution::solver as the integer program says). Where they would grow too large, the weakest
/// pairs are left out of the merging: each is bounded from below by a half of it for either
/// decision, the optimum of that program is a bound, and its choice is improved by single changes
/// and budget-keeping swaps under all pairs (status LocalSearch with the gap to that bound, solver
/// "pairwise-search"; Optimal where both meet).
/// Source of the objective: Deng et al. 2023 (CLADO), pairs limited to what the request lists.
/// @param max_options  widths of joined decisions multiplied, at most.
/// @throws ConfigError as make_model; InfeasibleBudget.
[[nodiscard]] Allocation solve_pairwise(const AllocationRequest& request,
                                        std::size_t max_options = 50000);

}  // namespace ompq::allocation
