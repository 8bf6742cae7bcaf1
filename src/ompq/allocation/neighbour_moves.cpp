#include "ompq/allocation/neighbour_moves.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <tuple>
#include <utility>

#include "ompq/allocation/decision_walk.h"

namespace ompq::allocation {
namespace {

/// The new width of one decision.
struct WidthStep {
  std::size_t decision = 0;
  std::size_t width = 0;

  auto operator<=>(const WidthStep&) const = default;
};

struct CandidateMove {
  double loss_change = 0;
  std::vector<WidthStep> steps;
};

/// The model with predicted losses as values.
struct Predicted {
  DecisionModel model;
  std::vector<Coupling> pairs;
};

Predicted predicted(const AllocationRequest& request) {
  Predicted out{make_model(request), {}};
  if (!request.loss.empty()) {
    set_losses(out.model, request);
    out.pairs = pair_couplings(out.model, request);
    return out;
  }
  for (Decision& decision : out.model.decisions) {  // every bit has the same value
    for (std::size_t j = 0; j < decision.widths.size(); ++j) {
      decision.values[j] = -static_cast<double>(decision.widths[j]);
    }
  }
  return out;
}

/// Finds feasible steps to neighbours.
class NeighbourSearch {
 public:
  NeighbourSearch(DecisionWalk& walk, const MoveOptions& options)
      : walk_(walk), options_(options) {}

  std::vector<CandidateMove> find() {
    const bool over = !walk_.fits();
    for (std::size_t d = 0; d < walk_.choice().size(); ++d) {
      for (const WidthStep& up : steps_up(d)) {
        after(up, [&] {
          if (!keep_if_it_fits() && !over) lower();
        });
      }
    }
    if (over) lower();
    std::sort(found_.begin(), found_.end(), [](const CandidateMove& a, const CandidateMove& b) {
      return std::tie(a.loss_change, a.steps) < std::tie(b.loss_change, b.steps);
    });
    if (found_.size() > options_.max_moves) found_.resize(options_.max_moves);
    return std::move(found_);
  }

 private:
  /// Takes a step, calls a function, and undoes the step.
  template <typename Do>
  void after(const WidthStep& step, Do what) {
    const std::size_t back = walk_.choice()[step.decision];
    const double before = loss_change_;
    loss_change_ += walk_.gain(step.decision, step.width);
    walk_.change(step.decision, step.width);
    taken_.push_back(step);
    what();
    taken_.pop_back();
    walk_.change(step.decision, back);
    loss_change_ = before;
  }

  bool keep_if_it_fits() {
    if (!walk_.fits()) return false;
    found_.push_back({loss_change_, taken_});
    std::sort(found_.back().steps.begin(), found_.back().steps.end());
    return true;
  }

  [[nodiscard]] std::vector<WidthStep> steps_up(std::size_t d) const {
    const std::size_t now = walk_.choice()[d];
    const std::size_t last = walk_.model().decisions[d].widths.size() - 1;
    std::vector<WidthStep> steps;
    for (std::size_t j = now + 1; j <= std::min(last, now + options_.reach); ++j) {
      steps.push_back({d, j});
    }
    return steps;
  }

  /// Over all decisions that have not been changed.
  [[nodiscard]] std::vector<WidthStep> steps_down() const {
    std::vector<WidthStep> steps;
    for (std::size_t d = 0; d < walk_.choice().size(); ++d) {
      if (!taken_.empty() && taken_.front().decision == d) continue;
      const std::size_t now = walk_.choice()[d];
      for (std::size_t j = now; j-- > now - std::min(now, options_.reach);) steps.push_back({d, j});
    }
    return steps;
  }

  /// One decision down, or two if one does not free enough.
  void lower() {
    const double excess = walk_.excess();
    std::vector<std::pair<double, WidthStep>> too_little;  // by loss per freed cost
    for (const WidthStep& down : steps_down()) {
      const double before = loss_change_;
      after(down, [&] {
        const double freed = excess - walk_.excess();
        if (keep_if_it_fits() || freed <= 0) return;
        too_little.emplace_back((loss_change_ - before) / freed, down);
      });
    }
    std::sort(too_little.begin(), too_little.end());
    if (too_little.size() > options_.pair_pool) too_little.resize(options_.pair_pool);
    for (std::size_t a = 0; a < too_little.size(); ++a) {
      after(too_little[a].second, [&] {
        for (std::size_t b = a + 1; b < too_little.size(); ++b) {
          const WidthStep& second = too_little[b].second;
          if (second.decision == too_little[a].second.decision) continue;
          after(second, [&] { keep_if_it_fits(); });
        }
      });
    }
  }

  DecisionWalk& walk_;
  const MoveOptions& options_;
  std::vector<CandidateMove> found_;
  std::vector<WidthStep> taken_;
  double loss_change_ = 0;
};

WidthChange describe(const DecisionModel& model, const WidthStep& step, std::size_t from) {
  const Decision& decision = model.decisions[step.decision];
  const bool weights = decision.kind == Decision::Kind::Weights;
  return {decision.name,
          decision.kind,
          weights ? model.groups[decision.index].leader : decision.index,
          decision.widths[from],
          decision.widths[step.width]};
}

Solution local_search_solution(const DecisionWalk& walk) {
  Solution solution;
  solution.status = Status::LocalSearch;
  solution.solver = "moves";
  solution.objective = walk.value();
  solution.bound = solution.objective;
  solution.costs = walk.costs();
  solution.choice = walk.choice();
  solution.within_budget = walk.fits();
  return solution;
}

/// The largest increase relative to a limit from `before` to `after`.
double share_taken(const DecisionModel& model,
                   const std::vector<std::int64_t>& before,
                   const std::vector<std::int64_t>& after) {
  double share = 0;
  for (std::size_t k = 0; k < before.size(); ++k) {
    const auto room = std::max<std::int64_t>(model.constraints[k].limit - before[k], 1);
    share = std::max(share, static_cast<double>(after[k] - before[k]) / static_cast<double>(room));
  }
  return share;
}

/// The step up with the largest gain per cost, if there is one.
std::optional<WidthStep> best_rise(DecisionWalk& walk) {
  const std::vector<std::int64_t> before = walk.costs();
  std::optional<WidthStep> best;
  double best_rate = 0;
  for (std::size_t d = 0; d < walk.choice().size(); ++d) {
    const std::size_t now = walk.choice()[d];
    for (std::size_t j = now + 1; j < walk.model().decisions[d].widths.size(); ++j) {
      const double gain = walk.gain(d, j);
      if (gain >= 0) continue;
      walk.change(d, j);
      const double share = share_taken(walk.model(), before, walk.costs());
      const double rate = share > 0 ? gain / share : -HUGE_VAL;
      if (walk.fits() && rate < best_rate) best_rate = rate, best = WidthStep{d, j};
      walk.change(d, now);
    }
  }
  return best;
}

}  // namespace

std::vector<Move> budget_moves(const AllocationRequest& request,
                               const Allocation& allocation,
                               const MoveOptions& options) {
  const Predicted program = predicted(request);
  const DecisionChoice start = choice_of(program.model, request, allocation);
  DecisionWalk walk(program.model, program.pairs, start);
  std::vector<Move> moves;
  for (const CandidateMove& candidate : NeighbourSearch(walk, options).find()) {
    Move& move = moves.emplace_back();
    move.loss_change = candidate.loss_change;
    DecisionChoice choice = start;
    for (const WidthStep& step : candidate.steps) {
      move.changes.push_back(describe(program.model, step, start[step.decision]));
      choice[step.decision] = step.width;
    }
    Allocation after = make_allocation(request, program.model, choice, {});
    move.weight_bits = std::move(after.weight_bits);
    move.activation_bits = std::move(after.activation_bits);
    move.tensor_bits = std::move(after.tensor_bits);
  }
  return moves;
}

Allocation apply_move(const AllocationRequest& request, const Move& move) {
  const Predicted program = predicted(request);
  Allocation after;
  after.weight_bits = move.weight_bits;
  after.tensor_bits = move.tensor_bits;
  const DecisionWalk walk(program.model, program.pairs, choice_of(program.model, request, after));
  return make_allocation(request, program.model, walk.choice(), local_search_solution(walk));
}

Allocation spend_slack(const AllocationRequest& request, const Allocation& allocation) {
  const Predicted program = predicted(request);
  DecisionWalk walk(program.model, program.pairs, choice_of(program.model, request, allocation));
  while (const auto step = best_rise(walk)) walk.change(step->decision, step->width);
  return make_allocation(request, program.model, walk.choice(), local_search_solution(walk));
}

}  // namespace ompq::allocation
