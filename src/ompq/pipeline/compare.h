#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "ompq/pipeline/evaluate.h"
#include "ompq/pipeline/search.h"
#include "ompq/report/comparison.h"

namespace ompq::pipeline {

struct CompareOptions {
  SearchOptions search;  ///< its budget and allocator are not used
  std::vector<allocation::Budget> budgets;
  std::vector<std::string> allocators;
  std::int64_t random_allocations = 16;  ///< a budget, for the rank correlations; 0: none
  tuning::CalibrationOptions calibration;
  EvaluateOptions evaluation;
  /// Where finished units are kept until the comparison is done; empty: a file in the current
  /// folder, named after the model and what the units depend on.
  std::filesystem::path journal;
};

/// Every allocator's answer to every budget, quantized by rounding to nearest and measured on
/// `evaluation`, which calibration did not see; then what each metric predicted of random
/// allocations next to what was measured of them. After a kill the same call goes on from the
/// journal, which is removed at the end; the result is the same but for the seconds.
/// @throws ConfigError for no budgets or allocators; DataError for a journal of another run.
[[nodiscard]] report::Comparison compare(const Model& model,
                                         Samples& samples,
                                         Samples& evaluation,
                                         const CompareOptions& options,
                                         const ProgressHandler& progress = {});

}  // namespace ompq::pipeline
