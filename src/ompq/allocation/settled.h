#pragma once

#include <optional>

#include "ompq/allocation/problem.h"
#include "ompq/allocation/request.h"

namespace ompq::allocation {

/// The answer to a request that leaves one width to every layer and activation: they are pinned,
/// excluded, or have one candidate. Nothing where an allocator has something to choose; it needs no
/// losses and no importance.
/// @throws InfeasibleBudget if those widths exceed a budget; ConfigError as make_model does.
[[nodiscard]] std::optional<Allocation> settled_allocation(const AllocationRequest& request);

}  // namespace ompq::allocation
