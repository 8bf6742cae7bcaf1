#pragma once

#include <string>
#include <vector>

#include "ompq/search/allocator_table.h"
#include "ompq/search/measurements.h"

namespace ompq::search {

/// The losses of several metrics in one table.
struct CombinedMetrics {
  std::string origin;         ///< "local-error x fisher"
  AllocatorRow row;           ///< solves for them
  Measurements measurements;  ///< with the combined table in place of that of `row`
};

/// At most so many means.
constexpr std::size_t kMostMeans = 4;

/// The geometric means of the losses of every two of the three metrics that come first in
/// `origins`, and of all three, which do not depend on the metrics' units. Empty if fewer than two
/// of `origins` are measured metrics.
[[nodiscard]] std::vector<CombinedMetrics> combine_metrics(const Measurements& measured,
                                                           const std::vector<std::string>& origins);

}  // namespace ompq::search
