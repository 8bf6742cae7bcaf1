#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "ompq/allocation/decision_model.h"
#include "ompq/allocation/request.h"

namespace ompq::allocation {

/// One decision changes its width.
struct WidthChange {
  std::string name;  ///< the leading layer or the activation tensor
  Decision::Kind kind = Decision::Kind::Weights;
  std::size_t index = 0;  ///< the leading layer, or into AllocationRequest::activations
  int from = 0;
  int to = 0;
};

/// A step to a neighbour that holds all budgets.
struct Move {
  std::vector<WidthChange> changes;
  double loss_change = 0;        ///< predicted; negative is better
  std::vector<int> weight_bits;  ///< per layer, after the step
  std::vector<int> activation_bits;
  std::vector<int> tensor_bits;
};

struct MoveOptions {
  std::size_t max_moves = 1000;  ///< the most promising ones
  /// A decision goes up by at most this many candidates in one step, and down likewise.
  std::size_t reach = 2;
  /// Pairs of lowered decisions are drawn from this many steps down, those that lose least for what
  /// they free.
  std::size_t pair_pool = 40;
};

/// Neighbours of an allocation that hold all budgets: one decision up; one up and one down; one up
/// and two down, where one alone does not free enough. Where the allocation itself exceeds a
/// budget, also one and two down alone. Sorted by predicted loss change, ties by the decisions'
/// order: the same list every time. Predictions come from request.loss, activation_loss and pairs;
/// without a loss table every bit of every decision is worth the same.
/// @throws ConfigError if a width of `allocation` is no candidate.
[[nodiscard]] std::vector<Move> budget_moves(const AllocationRequest& request,
                                             const Allocation& allocation,
                                             const MoveOptions& options = {});

/// The allocation after a step, with its cost; status LocalSearch.
[[nodiscard]] Allocation apply_move(const AllocationRequest& request, const Move& move);

/// Raises widths as long as budgets allow and the predicted loss does not rise: at each step the
/// greatest fall in loss for the share of the tightest budget that it takes. Deterministic.
[[nodiscard]] Allocation spend_slack(const AllocationRequest& request,
                                     const Allocation& allocation);

}  // namespace ompq::allocation
