#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "ompq/allocation/allocators.h"
#include "ompq/core/progress.h"
#include "ompq/core/time_limit.h"
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

/// What candidates are judged with. Their samples are disjoint (SampleRoles).
struct AutoJudges {
  /// Ranks the candidates, and measures the neighbours of one that is refined.
  FidelityProbe& ranking;
  /// The network will be rounded in another way than for `ranking`, so the check comes first.
  bool ranking_is_rough = false;
  /// Origins of candidates that are checked after the best ranked one if the ranking is rough.
  std::vector<std::string> preferred = {};
  /// Decides whether a step of refinement is taken; null: nothing is refined.
  FidelityProbe* refining = nullptr;
  /// The divergence of each check sample, with the weights rounded as they will be; empty: the
  /// ranking decides.
  std::function<std::vector<double>(const allocation::Allocation&)> check = {};
  /// Further candidates made from the ranked ones, whose origins are given best first; may be
  /// empty.
  std::function<std::vector<PortfolioCandidate>(const std::vector<std::string>&)> combine = {};
};

struct AutoOutcome {
  allocation::Allocation best;
  report::Portfolio report;
};

/// Chooses one of `candidates`, or a refined one:
/// 1. *Ranking* by the divergence that `judges.ranking` measures, and of the candidates that
///    `judges.combine` makes of the best ones.
/// 2. *Check* of the best ranked with `judges.check`: of some, and of further ones while less than
///    half of the time is used, or all of it if `judges.ranking_is_rough`.
/// 3. *Refinement* of the best one. Every decision is tried one width up and one down; the integer
///    program with these measured changes as losses proposes a step within the budget, which is
///    taken if the divergence that `judges.refining` measures decreases significantly. A step that
///    fails is shortened (by a penalty on moves that gain little) before the search ends. The
///    integer program over measured changes is a trust-region method: unlike the sum of
///    single-layer effects, it measures each change with all other layers quantized. The result is
///    chosen if the check says that it is significantly better.
/// @param request  without losses; its budget, candidates and cost model limit every step.
/// @param candidates  at least one; candidates with equal widths are measured once. Without time to
/// rank them, the first is chosen.
/// @param deadline  whatever does not end before it is left out, which the report says.
[[nodiscard]] AutoOutcome choose_best(std::vector<PortfolioCandidate> candidates,
                                      const allocation::AllocationRequest& request,
                                      const pipeline::FileSize& size,
                                      const AutoJudges& judges,
                                      const AutoOptions& options,
                                      const Deadline& deadline,
                                      const ProgressHandler& progress = {});

}  // namespace ompq::search
