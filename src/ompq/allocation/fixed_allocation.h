#pragma once

#include <optional>

#include "ompq/allocation/problem.h"
#include "ompq/allocation/request.h"

namespace ompq::allocation {

/// The only possible allocation of a request in which every layer and activation has one candidate
/// (pinned, excluded, or one candidate width). Nullopt if there is a choice. Needs no losses and no
/// importance.
/// @throws InfeasibleBudget if those widths exceed a budget; ConfigError as make_model does.
[[nodiscard]] std::optional<Allocation> fixed_allocation(const AllocationRequest& request);

}  // namespace ompq::allocation
