#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "ompq/allocation/allocation_file.h"
#include "ompq/pipeline/auto_search.h"
#include "ompq/pipeline/network.h"
#include "ompq/pipeline/requests.h"
#include "ompq/pipeline/samples.h"
#include "ompq/report/results.h"

namespace ompq::pipeline {

struct SearchOptions {
  RequestOptions request;
  std::string allocator = "auto";
  /// Allocators whose answer to the same budget is put next to the chosen one.
  std::vector<std::string> beside{"uniform", "size-only", "orm"};
  /// False leaves out those next to it that need a measurement which the chosen one does not.
  bool measure_for_beside = true;
  double beta = 1.0;
  AutoOptions automatic;
  tuning::WeightOptions weights;
  /// Measure with error-compensated rounding in place of rounding to nearest: for networks that
  /// will be rounded by such a method.
  bool compensated = false;
  FileForm form;  ///< of the file whose size is promised; its budget is set by what is asked for
  std::int64_t batch_size = 64;
  runtime::ExecutorOptions executor;  ///< of the passes that measure
};

struct SearchOutcome {
  report::Search report;
  allocation::AllocationFile chosen;  ///< what bits.json holds
};

/// Refuses a budget that no widths hold, before anything is measured. Where the scheme is one of
/// the paper's, which have ranges and accounting of their own, the search itself finds out.
/// @throws InfeasibleBudget
void check_budget(const Model& model, const SearchOptions& options);

/// Measures what the asked allocators need on `samples`, and allocates bits under the budget. With
/// the disk accounting, the chosen allocation's file never exceeds a size budget.
/// Where the chosen allocator needs what cannot be measured on this network or these samples,
/// `auto` takes its place, and the report says so.
/// @throws InfeasibleBudget if the chosen allocator has no answer; one that stands next to it is
/// reported as refused.
[[nodiscard]] SearchOutcome search(const Model& model,
                                   Samples& samples,
                                   const SearchOptions& options,
                                   const ProgressHandler& progress = {});

}  // namespace ompq::pipeline
