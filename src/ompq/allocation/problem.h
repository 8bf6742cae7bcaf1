#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace ompq::allocation {

/// What a constraint counts; decides how its numbers are printed.
enum class Quantity {
  SizeBits,    ///< bits of storage, printed as bytes
  WeightBits,  ///< bits of weights, printed as bits per weight
  Bops,        ///< bit operations
};

/// Sum over items of cost + base <= limit, in whole numbers: feasibility is exact.
struct Constraint {
  Quantity quantity = Quantity::SizeBits;
  std::int64_t limit = 0;
  std::int64_t base = 0;     ///< cost of everything that is not decided
  std::int64_t weights = 0;  ///< WeightBits: what one bit per weight multiplies
};

/// One decision: exactly one of its widths is chosen.
struct Item {
  std::string name;
  std::size_t layers = 1;                        ///< layers that follow the decision
  std::vector<int> widths;                       ///< candidate bit-widths, ascending
  std::vector<double> values;                    ///< [width]
  std::vector<std::vector<std::int64_t>> costs;  ///< [constraint][width], >= 0
};

enum class Sense { Maximize, Minimize };

/// A multiple-choice knapsack with one row per budget.
struct Problem {
  Sense sense = Sense::Maximize;
  std::vector<Item> items;
  std::vector<Constraint> constraints;
};

enum class Status {
  Optimal,    ///< proven
  TimeLimit,  ///< feasible; `gap` tells how far from `bound` at most
  Rounded,    ///< a continuous optimum, rounded; `bound` is the continuous optimum
  Rule,       ///< chosen by a rule, not by optimization
};
[[nodiscard]] std::string_view name_of(Status status);

struct Solution {
  std::vector<std::size_t> choice;  ///< index into Item::widths, per item
  std::vector<double> continuous;   ///< widths before rounding, per item; empty if there are none
  double objective = 0;             ///< sum of the chosen values
  double bound = 0;                 ///< no choice can be better than this
  double gap = 0;                   ///< |bound - objective| / max(|objective|, 1e-12)
  std::vector<std::int64_t> costs;  ///< per constraint, base included
  bool within_budget = true;        ///< Rounded by nearest may exceed it
  Status status = Status::Optimal;
  double seconds = 0;
  std::string solver;
};

/// @throws ConfigError if an item has no widths, its widths do not ascend, sizes differ from the
/// number of widths or constraints, a value is not finite, or a cost is negative.
void validate(const Problem& problem);

/// Costs per constraint of a choice, base included.
[[nodiscard]] std::vector<std::int64_t> costs_of(const Problem& problem,
                                                 std::span<const std::size_t> choice);
[[nodiscard]] double objective_of(const Problem& problem, std::span<const std::size_t> choice);
[[nodiscard]] bool fits(const Problem& problem, std::span<const std::int64_t> costs);

/// "5.20 MiB", "3.00 bits a weight", "75.1 GBOPs".
[[nodiscard]] std::string format_quantity(const Constraint& constraint, std::int64_t amount);

/// @throws InfeasibleBudget if even the cheapest choice of every item exceeds a budget; the message
/// names the budget, the least possible and the way out.
void require_feasible(const Problem& problem);

}  // namespace ompq::allocation
