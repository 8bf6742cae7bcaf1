#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "ompq/allocation/decision_model.h"

namespace ompq::allocation {

/// A DecisionModel as the integer program takes it: items whose options add up.
struct JointProblem {
  Problem problem;
  std::vector<std::vector<std::size_t>> decisions;  ///< [item] decisions that it holds, ascending
  /// [item][option][position in decisions[item]]: index into Decision::widths. Empty for an item of
  /// one decision, whose options are its widths.
  std::vector<std::vector<std::vector<std::uint16_t>>> options;

  [[nodiscard]] DecisionChoice decisions_of(std::span<const std::size_t> choice) const;
};

/// Merges the decisions that a coupling joins into items, one decision after the other. Options
/// that another one with the same widths towards what is still to come beats in value and every
/// cost are dropped on the way: no optimum is lost.
/// @param couplings  of values, besides the model's own of costs.
/// @throws ConfigError where more than `max_options` would have to be kept, naming the decisions.
[[nodiscard]] JointProblem join_items(const DecisionModel& model,
                                      std::span<const Coupling> couplings,
                                      Sense sense,
                                      std::size_t max_options = 200000);

}  // namespace ompq::allocation
