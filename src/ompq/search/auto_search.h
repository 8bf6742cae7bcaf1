#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "ompq/allocation/allocators.h"
#include "ompq/core/progress.h"
#include "ompq/pipeline/network.h"
#include "ompq/report/results.h"
#include "ompq/search/fidelity_probe.h"
#include "ompq/search/search_options.h"

namespace ompq::search {

/// A candidate allocation and its origin.
struct PortfolioCandidate {
  std::string origin;  ///< "output-kl", "orm beta=0.1"
  allocation::Allocation allocation;
};

/// Solves again for the winner of the ranking, with its metric measured on more samples: returns
/// another candidate, or nullopt.
using Remeasure = std::function<std::optional<PortfolioCandidate>(const std::string& origin)>;

struct AutoOutcome {
  allocation::Allocation best;
  report::Portfolio report;
};

/// Refines the best of `candidates`. Candidates are ranked by the divergence that `ranking`
/// measures. For each of the best ones, every decision is tried one width up and one down; the
/// integer program with these measured changes as losses proposes a step within the budget, and
/// steps are taken while the divergence that `refining` measures decreases significantly. A step
/// that fails is shortened (by a penalty on moves that gain little) before the search ends.
///
/// The integer program over measured changes is a trust-region method: unlike the sum of
/// single-layer effects, it measures each change with all other layers quantized.
/// @param request  without losses; its budget, candidates and cost model limit every step.
/// @param candidates  at least one; candidates with equal widths are measured once.
[[nodiscard]] AutoOutcome refine_best(const std::vector<PortfolioCandidate>& candidates,
                                      const allocation::AllocationRequest& request,
                                      const pipeline::FileSize& size,
                                      FidelityProbe& ranking,
                                      FidelityProbe& refining,
                                      const AutoOptions& options,
                                      const Remeasure& remeasure = {},
                                      const ProgressHandler& progress = {});

}  // namespace ompq::search
