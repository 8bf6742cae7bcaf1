#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "ompq/allocation/decision_model.h"
#include "ompq/allocation/request.h"

namespace ompq::allocation {

/// A change of one decision's width.
struct WidthChange {
  std::string name;  ///< the leading layer or the activation tensor
  Decision::Kind kind = Decision::Kind::Weights;
  std::size_t index = 0;  ///< the leading layer, or into AllocationRequest::activations
  int from = 0;
  int to = 0;
};

/// A step to a neighbour within all budgets.
struct Move {
  std::vector<WidthChange> changes;
  double loss_change = 0;        ///< predicted; negative is better
  std::vector<int> weight_bits;  ///< per layer, after the step
  std::vector<int> activation_bits;
  std::vector<int> tensor_bits;
};

struct MoveOptions {
  std::size_t max_moves = 1000;  ///< limit; the most promising ones are kept
  /// Maximum number of candidates that a decision moves up or down in one step.
  std::size_t reach = 2;
  /// Pairs of lowered decisions are formed from this many steps down, those with the least loss per
  /// freed cost.
  std::size_t pair_pool = 40;
};

/// Neighbours of an allocation within all budgets: one decision up; one up and one down; one up and
/// two down, if one does not free enough. If the allocation itself exceeds a budget, also one or
/// two down. Sorted by predicted loss change, ties by the decisions' order, so the list is
/// deterministic. Predictions come from request.loss, activation_loss and pairs; without a loss
/// table every bit of every decision has the same value.
/// @throws ConfigError if a width of `allocation` is not a candidate.
[[nodiscard]] std::vector<Move> budget_moves(const AllocationRequest& request,
                                             const Allocation& allocation,
                                             const MoveOptions& options = {});

/// The allocation after a step, with its cost; status LocalSearch.
[[nodiscard]] Allocation apply_move(const AllocationRequest& request, const Move& move);

/// Raises widths while the budgets allow it and the predicted loss does not increase; each step has
/// the largest loss reduction per share of the tightest budget. Deterministic.
[[nodiscard]] Allocation spend_slack(const AllocationRequest& request,
                                     const Allocation& allocation);

}  // namespace ompq::allocation
