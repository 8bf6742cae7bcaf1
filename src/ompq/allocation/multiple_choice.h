#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "ompq/allocation/problem.h"

namespace ompq::allocation {

/// One width of one item that can be part of a better solution.
struct Column {
  std::size_t width = 0;            ///< index into Item::widths
  double value = 0;                 ///< higher is better
  double gap = 0;                   ///< reduction of the Lagrangian bound by choosing it, >= 0
  std::vector<std::int64_t> costs;  ///< per row
};

/// A Problem for the integer solver: maximized, without rows that cannot be active.
struct MultipleChoice {
  std::vector<std::vector<Column>> items;
  std::vector<std::int64_t> capacity;  ///< per row
  std::vector<double> prices;          ///< per row, >= 0
  double bound = 0;                    ///< Lagrangian bound at `prices`

  /// Column index per item.
  using Choice = std::vector<std::size_t>;
  [[nodiscard]] double value_of(const Choice& choice) const;
  [[nodiscard]] bool fits(const Choice& choice) const;
  /// Indices into Item::widths.
  [[nodiscard]] Choice widths_of(const Choice& choice) const;
};

/// Turns `problem` into a maximization, prices its rows by the linear relaxation, and drops columns
/// that are dominated in value and in every cost by one of the same item.
[[nodiscard]] MultipleChoice make_multiple_choice(const Problem& problem);

/// Sets the bound and every column's gap from problem.prices and problem.capacity.
void price_columns(MultipleChoice& problem);

/// A feasible choice in one pass: the columns with the least gap, repaired to be feasible, then
/// improved by single changes. Nullopt if the repair fails.
[[nodiscard]] std::optional<MultipleChoice::Choice> find_quick_choice(
    const MultipleChoice& problem);

/// A good feasible choice: the columns with the least gap, made feasible with the least loss per
/// unit of excess, then improved by single changes and by pairs. Nullopt if the repair fails, which
/// is only possible with several conflicting rows.
[[nodiscard]] std::optional<MultipleChoice::Choice> find_good_choice(const MultipleChoice& problem);

/// Removes all columns that, by the Lagrangian bound, no choice better than `value` can have.
/// @param keep  its columns are kept; its indices are updated.
void fix_columns(MultipleChoice& problem, double value, MultipleChoice::Choice& keep);

}  // namespace ompq::allocation
