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

/// One answer to the budget and who gave it.
struct PortfolioCandidate {
  std::string origin;  ///< "output-kl", "orm beta=0.1"
  allocation::Allocation allocation;
};

/// A second look at what won the ranking, such as its metric measured on more samples: another
/// candidate, or nothing.
using SecondLook = std::function<std::optional<PortfolioCandidate>(const std::string& origin)>;

struct AutoOutcome {
  allocation::Allocation best;
  report::Portfolio report;
};

/// The best of `candidates`, refined. Each is ranked by the divergence that `ranking` measures.
/// Then, for one of the best after the other, every decision is tried one width up and one down;
/// the integer program that takes these measured changes as its losses proposes a step that keeps
/// the budget, and steps are taken while the divergence that `refining` measures falls by more than
/// chance. A step that fails is shortened (moves that gain little are priced out) before the search
/// ends.
///
/// The integer program over measured changes is a trust-region method: unlike the sum of effects of
/// each layer alone, it sees the network as the other layers' quantization has left it.
/// @param request  without losses; its budget, candidates and cost model bound every step.
/// @param candidates  at least one; those of equal widths are run once.
[[nodiscard]] AutoOutcome refine_best(const std::vector<PortfolioCandidate>& candidates,
                                      const allocation::AllocationRequest& request,
                                      const pipeline::FileSize& size,
                                      FidelityProbe& ranking,
                                      FidelityProbe& refining,
                                      const AutoOptions& options,
                                      const SecondLook& second_look = {},
                                      const ProgressHandler& progress = {});

}  // namespace ompq::search
