#pragma once

#include <functional>
#include <string>

#include "ompq/allocation/allocation_file.h"
#include "ompq/allocation/allocators.h"
#include "ompq/pipeline/network.h"

namespace ompq::search {

/// A function that solves a request: an allocator, or one built on an allocator.
using Solve = std::function<allocation::Allocation(const allocation::AllocationRequest&)>;

/// `request` with its disk cost model adjusted to the exact file size at middle widths.
[[nodiscard]] allocation::AllocationRequest anchored(allocation::AllocationRequest request,
                                                     const pipeline::FileSize& size);

/// An allocation as it is written, for a budget and by an allocator or metric.
[[nodiscard]] allocation::AllocationFile file_of(const allocation::AllocationRequest& request,
                                                 const allocation::Allocation& allocation,
                                                 const allocation::Budget& budget,
                                                 const std::string& metric,
                                                 const pipeline::Model& model);

/// Solves `request`. With the disk accounting, the cost model is adjusted to the exact size of the
/// file. If the file still exceeds a size budget by a few bytes, which a linear cost model cannot
/// predict (length prefixes, constants shared by layers of one width), the budget is tightened and
/// the request solved again.
/// @throws InfeasibleBudget
[[nodiscard]] allocation::Allocation allocate(const Solve& solve,
                                              allocation::AllocationRequest request,
                                              const pipeline::FileSize& size);

}  // namespace ompq::search
