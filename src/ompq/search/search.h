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
  allocation::AllocationFile chosen;  ///< what bits.json holds
};

/// Refuses a budget that no widths hold, before anything is measured. Where the scheme is one of
/// the paper's, which have ranges and accounting of their own, the search itself finds out.
/// @throws InfeasibleBudget
void check_budget(const pipeline::Model& model, const SearchOptions& options);

/// Measures what the asked allocators need on `samples`, and allocates bits under the budget. With
/// the disk accounting, the chosen allocation's file never exceeds a size budget.
/// Where the chosen allocator needs what cannot be measured on this network or these samples,
/// `auto` takes its place, and the report says so.
/// @throws InfeasibleBudget if the chosen allocator has no answer; one that stands next to it is
/// reported as refused.
[[nodiscard]] SearchOutcome search(const pipeline::Model& model,
                                   pipeline::Samples& samples,
                                   const SearchOptions& options,
                                   const ProgressHandler& progress = {});

}  // namespace ompq::search
