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

/// Every allocator's answer to every budget, quantized by rounding to nearest and measured on
/// `evaluation`, which calibration did not see; then what each metric predicted of random
/// allocations next to what was measured of them. After a kill the same call goes on from the
/// journal, which is removed at the end; the result is the same but for the seconds.
/// @throws ConfigError for no budgets or allocators; DataError for a journal of another run.
[[nodiscard]] report::Comparison compare(const pipeline::Model& model,
                                         pipeline::Samples& samples,
                                         pipeline::Samples& evaluation,
                                         const CompareOptions& options,
                                         const ProgressHandler& progress = {});

}  // namespace ompq::search
