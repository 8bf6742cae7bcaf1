#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "ompq/pipeline/evaluate.h"
#include "ompq/report/comparison.h"
#include "ompq/search/compare_options.h"
#include "ompq/search/search.h"

namespace ompq::search {

/// Solves every budget with every allocator, quantizes by rounding to nearest (or with error
/// compensation, `options.search.compensated`) and evaluates on the held-out `evaluation` samples;
/// then compares the losses that each metric predicts for random allocations with the measured
/// ones. After an interruption the same call resumes from the journal, which is removed at the end;
/// the result is the same except for times.
/// @throws ConfigError if there are no budgets or allocators; DataError for a journal of another
/// run.
[[nodiscard]] report::Comparison compare(const pipeline::Model& model,
                                         pipeline::Samples& samples,
                                         pipeline::Samples& evaluation,
                                         const CompareOptions& options,
                                         const ProgressHandler& progress = {});

}  // namespace ompq::search
