#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "ompq/allocation/allocation_file.h"
#include "ompq/pipeline/network.h"
#include "ompq/pipeline/samples.h"
#include "ompq/report/results.h"
#include "ompq/search/request_builder.h"
#include "ompq/search/search_options.h"

namespace ompq::search {

struct SearchOutcome {
  report::Search report;
  allocation::AllocationFile chosen;  ///< the content of bits.json
};

/// Refuses an infeasible budget before any measurement. With a scheme of the paper, which has its
/// own ranges and accounting, only the search itself detects it.
/// @throws InfeasibleBudget
void check_budget(const pipeline::Model& model, const SearchOptions& options);

/// Measures what the requested allocators need on `samples`, and allocates bits under the budget.
/// With the disk accounting, the file of the chosen allocation never exceeds a size budget. If the
/// chosen allocator needs a measurement that is not possible on this network or these samples,
/// `auto` is used instead and the report notes it.
/// @throws InfeasibleBudget if the chosen allocator has no solution; another one is reported as
/// refused.
[[nodiscard]] SearchOutcome search(const pipeline::Model& model,
                                   pipeline::Samples& samples,
                                   const SearchOptions& options,
                                   const ProgressHandler& progress = {});

}  // namespace ompq::search
