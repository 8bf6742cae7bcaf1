#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "ompq/core/error.h"
#include "ompq/report/comparison.h"
#include "ompq/search/quality_judge.h"
#include "ompq/search/search.h"

namespace ompq::search {

struct SweepOptions {
  SearchOptions search;  ///< its budget and allocator are not used
  std::size_t points = 24;
  std::string metric = "output-mse";
  /// Chooses the largest file within these bytes; none: the knee.
  std::optional<std::int64_t> pick_bytes;
  /// Chooses the smallest file whose quality is at most this much below the float network's.
  std::optional<double> max_loss;
};

template <typename Binder>
void bind_options(Binder& binder, SweepOptions& options) {
  bind_measuring(binder, options.search);
  binder.bind("points", options.points);
  binder.bind("metric", options.metric);
  binder.bind("pick", options.pick_bytes);
  binder.bind("max-loss", options.max_loss);
}

struct SweepOutcome {
  report::Sweep report;
  allocation::AllocationFile chosen;  ///< the picked point, or the knee
  /// Set if no point is within `pick_bytes` or `max_loss`; then nothing is picked. The curve is
  /// complete.
  std::optional<InfeasibleBudget> refusal;
};

/// The curve of size against fidelity: measures the metric on one half of the samples, finds the
/// best allocations for a series of sizes, and measures the divergence of each network from the
/// float one on the other half, and its quality.
[[nodiscard]] SweepOutcome sweep(const pipeline::Model& model,
                                 pipeline::Samples& samples,
                                 const SweepOptions& options,
                                 const ProgressHandler& progress = {},
                                 const QualityJudge& judge = {});

}  // namespace ompq::search
