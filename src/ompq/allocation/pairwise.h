#pragma once

#include "ompq/allocation/request.h"

namespace ompq::allocation {

/// Minimizes the sum of request.loss, activation_loss and request.pairs under the budgets.
/// Decisions with pairs are merged into items while these stay small, which gives the exact optimum
/// (Solution::solver as in the integer program). If items would become too large, the weakest pairs
/// are not merged: each is bounded from below by half of it for either decision, the optimum of
/// that program is a lower bound, and its choice is improved by single changes and swaps within the
/// budget under all pairs (status LocalSearch with the gap to that bound, solver "pairwise-search";
/// Optimal if the gap is 0). Source of the objective: Deng et al. 2023 (CLADO), pairs limited to
/// what the request lists.
/// @param max_options  maximum number of combinations of widths of joined decisions.
/// @throws ConfigError as make_model; InfeasibleBudget.
[[nodiscard]] Allocation solve_pairwise(const AllocationRequest& request,
                                        std::size_t max_options = 50000);

}  // namespace ompq::allocation
