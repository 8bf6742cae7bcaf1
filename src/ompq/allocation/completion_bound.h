#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "ompq/allocation/multiple_choice.h"

namespace ompq::allocation {

/// What completing a partial choice loses at least, by the linear relaxation of what is left under
/// one row: from each item's preferred column (the least gap) the cheapest steps up fill what would
/// stay unspent, or the cheapest steps down free what is missing.
/// Source: Sinha and Zoltners 1979 (bound of the multiple-choice knapsack).
class CompletionBound {
 public:
  /// @param order  items in the order in which they are decided.
  CompletionBound(const MultipleChoice& problem, const std::vector<std::size_t>& order);

  /// The column that every item would take for itself.
  [[nodiscard]] const std::vector<std::size_t>& preferred() const { return preferred_; }
  /// What the preferred columns of order[position...] cost, per row.
  [[nodiscard]] const std::vector<std::int64_t>& preferred_costs(std::size_t position) const {
    return preferred_costs_[position];
  }
  /// Least loss of order[position...] under row k, gaps and the price of what stays unspent.
  /// @param left  capacity that the preferred columns would leave; negative: what they lack.
  /// @return infinity where nothing fits.
  [[nodiscard]] double least_loss(std::size_t position, std::size_t k, std::int64_t left) const;

 private:
  /// Steps in the order of what they lose for what they move, added up.
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
  /// Least gap that moves the cost by `amount`, and how much of it cannot be moved.
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
