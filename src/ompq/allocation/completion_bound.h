#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "ompq/allocation/multiple_choice.h"

namespace ompq::allocation {

/// A lower bound of the loss of completing a partial choice, by the linear relaxation of the
/// remaining items under one row: starting at each item's preferred column (the least gap), the
/// cheapest steps up use unspent capacity, or the cheapest steps down free missing capacity.
/// Source: Sinha and Zoltners 1979 (bound of the multiple-choice knapsack).
class CompletionBound {
 public:
  /// @param order  items in the order of decision.
  CompletionBound(const MultipleChoice& problem, const std::vector<std::size_t>& order);

  /// The preferred column of each item.
  [[nodiscard]] const std::vector<std::size_t>& preferred() const { return preferred_; }
  /// Cost of the preferred columns of order[position...], per row.
  [[nodiscard]] const std::vector<std::int64_t>& preferred_costs(std::size_t position) const {
    return preferred_costs_[position];
  }
  /// Lower bound of the loss of order[position...] under row k: gaps and the price of unspent
  /// capacity.
  /// @param left  capacity left by the preferred columns; negative if they exceed it.
  /// @return infinity if nothing fits.
  [[nodiscard]] double min_loss(std::size_t position, std::size_t k, std::int64_t left) const;

 private:
  /// Cumulative sums of steps, sorted by loss per cost.
  struct Steps {
    std::vector<std::int64_t> cost;
    std::vector<double> gap;
  };
  struct Step {
    std::int64_t cost = 0;
    double gap = 0;
  };
  static std::vector<Step> hull_steps(std::vector<Step> points);
  static void insert(std::vector<Step>& sorted, const std::vector<Step>& steps);
  static Steps added_up(const std::vector<Step>& sorted);
  /// The least gap for moving the cost by `amount`, and the part of it that cannot be moved.
  struct Moved {
    double gap = 0;
    std::int64_t missing = 0;
  };
  static Moved move(const Steps& steps, std::int64_t amount);

  std::vector<double> prices_;
  std::vector<std::size_t> preferred_;
  std::vector<std::vector<std::int64_t>> preferred_costs_;  ///< [position][row]
  std::vector<std::vector<Steps>> up_;                      ///< [position][row]
  std::vector<std::vector<Steps>> down_;
};

}  // namespace ompq::allocation
