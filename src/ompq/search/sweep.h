#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "ompq/report/comparison.h"
#include "ompq/search/search.h"

namespace ompq::search {

struct SweepOptions {
  SearchOptions search;  ///< its budget and allocator are not used
  std::size_t points = 24;
  std::string metric = "output-mse";
  /// Chooses the largest file within these bytes; none: the knee.
  std::optional<std::int64_t> pick_bytes;
};

template <typename Binder>
void bind_options(Binder& binder, SweepOptions& options) {
  bind_measuring(binder, options.search);
  binder.bind("points", options.points);
  binder.bind("metric", options.metric);
  binder.bind("pick", options.pick_bytes);
}

struct SweepOutcome {
  report::Sweep report;
  allocation::AllocationFile chosen;  ///< the picked point, or the knee
};

/// The curve of size against fidelity: measures the metric on one half of the samples, finds the
/// best allocations for a series of sizes, and measures the divergence of each network from the
/// float one on the other half.
/// @throws InfeasibleBudget if every file is larger than `pick_bytes`.
[[nodiscard]] SweepOutcome sweep(const pipeline::Model& model,
                                 pipeline::Samples& samples,
                                 const SweepOptions& options,
                                 const ProgressHandler& progress = {});

}  // namespace ompq::search
