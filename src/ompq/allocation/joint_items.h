#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "ompq/allocation/decision_model.h"

namespace ompq::allocation {

/// A DecisionModel for the integer program: items with additive options.
struct JointProblem {
  Problem problem;
  std::vector<std::vector<std::size_t>> decisions;  ///< [item] its decisions, ascending
  /// [item][option][position in decisions[item]]: index into Decision::widths. Empty for an item of
  /// one decision, whose options are its widths.
  std::vector<std::vector<std::vector<std::uint16_t>>> options;

  [[nodiscard]] DecisionChoice decisions_of(std::span<const std::size_t> choice) const;
};

/// Merges coupled decisions into items, one decision at a time. Options that are dominated in value
/// and every cost by one with the same widths of decisions still coupled to remaining ones are
/// dropped; this keeps an optimum.
/// @param couplings  of values, in addition to the model's couplings of costs.
/// @throws ConfigError naming the decisions if more than `max_options` would have to be kept.
[[nodiscard]] JointProblem join_items(const DecisionModel& model,
                                      std::span<const Coupling> couplings,
                                      Sense sense,
                                      std::size_t max_options = 200000);

}  // namespace ompq::allocation
