#pragma once

#include <optional>

#include "ompq/allocation/multiple_choice.h"

namespace ompq::allocation {

struct BranchAndBoundResult {
  std::optional<MultipleChoice::Choice> better;  ///< feasible, better than the start; or nothing
  bool proven = false;  ///< `better`, or the start where there is nothing better, is optimal
  double bound = 0;     ///< no choice has a greater value
};

/// Branch and bound (CBC) over `problem`, for something better than `start`.
/// Prints nothing. Whole-number costs are checked after CBC's own tolerances.
[[nodiscard]] BranchAndBoundResult branch_and_bound(
    const MultipleChoice& problem,
    const std::optional<MultipleChoice::Choice>& start,
    double seconds);

}  // namespace ompq::allocation
