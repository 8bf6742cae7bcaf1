#pragma once

#include <optional>

#include "ompq/allocation/multiple_choice.h"

namespace ompq::allocation {

struct BranchAndBoundResult {
  std::optional<MultipleChoice::Choice> better;  ///< feasible and better than the start, or nullopt
  bool proven = false;                           ///< `better`, or else the start, is optimal
  double bound = 0;                              ///< upper bound of the value
};

/// Branch and bound (CBC) over `problem`, for a choice better than `start`. Prints nothing. Costs
/// are checked exactly in integers, independent of CBC's tolerances.
[[nodiscard]] BranchAndBoundResult branch_and_bound(
    const MultipleChoice& problem,
    const std::optional<MultipleChoice::Choice>& start,
    double seconds);

}  // namespace ompq::allocation
