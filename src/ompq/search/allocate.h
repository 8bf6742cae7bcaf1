#pragma once

#include <functional>

#include "ompq/allocation/allocators.h"
#include "ompq/pipeline/network.h"

namespace ompq::search {

/// What answers a request: an allocator, or anything built on one.
using Solve = std::function<allocation::Allocation(const allocation::AllocationRequest&)>;

/// `request` with its disk cost model set to meet the exact size of the file at middle widths.
[[nodiscard]] allocation::AllocationRequest anchored(allocation::AllocationRequest request,
                                                     const pipeline::FileSize& size);

/// Solves `request`. With the disk accounting, the cost model is set to meet the exact size of the
/// file, and where the file would still exceed a size budget by the few bytes that a linear cost
/// model cannot know (length prefixes, constants that layers of one width share), the budget is
/// tightened and solved again.
/// @throws InfeasibleBudget
[[nodiscard]] allocation::Allocation allocate(const Solve& solve,
                                              allocation::AllocationRequest request,
                                              const pipeline::FileSize& size);

}  // namespace ompq::search
