#pragma once

#include <optional>
#include <string>
#include <vector>

#include "ompq/search/allocator_table.h"
#include "ompq/search/measurements.h"

namespace ompq::search {

/// The losses of two metrics in one table.
struct CombinedMetrics {
  std::string origin;         ///< "local-error x fisher"
  AllocatorRow row;           ///< solves for them
  Measurements measurements;  ///< with the combined table in place of that of `row`
};

/// The geometric mean of the losses of the two metrics that come first in `origins`, which does not
/// depend on their units. Nullopt if fewer than two of them are measured metrics.
[[nodiscard]] std::optional<CombinedMetrics> combine_metrics(
    const Measurements& measured, const std::vector<std::string>& origins);

}  // namespace ompq::search
