#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "ompq/pipeline/evaluate.h"
#include "ompq/rounding/calibration.h"
#include "ompq/search/option_values.h"
#include "ompq/search/search_options.h"

namespace ompq::search {

struct CompareOptions {
  SearchOptions search;  ///< its budget and allocator are not used
  std::vector<allocation::Budget> budgets;
  std::vector<std::string> allocators = compared_allocators({"all"});
  std::int64_t random_allocations = 16;  ///< per budget, for the rank correlations; 0: none
  rounding::CalibrationOptions calibration;
  pipeline::EvaluateOptions evaluation;
  /// Journal of finished units, removed at the end; empty: a file in the current folder, named
  /// after the model and a hash of the options.
  std::filesystem::path journal;
};

/// The options that affect every unit of a comparison.
template <typename Binder>
void bind_conditions(Binder& binder, CompareOptions& options) {
  bind_measuring(binder, options.search);
  bind_options(binder, options.calibration);
  bind_options(binder, options.evaluation);
  binder.composed("for", options.search.compensated);
}

template <typename Binder>
void bind_options(Binder& binder, CompareOptions& options) {
  bind_conditions(binder, options);
  binder.composed("avg-bits|size", options.budgets);
  binder.bind("allocators", options.allocators, compared_allocators);
  binder.bind("random", options.random_allocations);
  binder.bind("journal", options.journal);
}

}  // namespace ompq::search
