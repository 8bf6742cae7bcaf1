#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace ompq::allocation {

/// The quantity of a constraint; determines how its numbers are printed.
enum class Quantity {
  SizeBits,         ///< bits of storage, printed as bytes
  WeightBits,       ///< bits of weights, printed as bits per weight
  Bops,             ///< bit operations
  WeightBytes,      ///< bytes of codes
  ActivationBytes,  ///< bytes of activations alive at one moment
  LatencyNs,        ///< nanoseconds
};

/// Sum over items of cost + base <= limit, in integers, so feasibility is exact.
struct Constraint {
  Quantity quantity = Quantity::SizeBits;
  std::int64_t limit = 0;
  std::int64_t base = 0;     ///< cost of everything without a decision
  std::int64_t weights = 0;  ///< WeightBits: number of weights
  /// The increase of the least possible cost by pins, exclusions and candidate lists of single
  /// layers.
  std::int64_t restricted = 0;
  std::string most_restricted;  ///< the layer that adds the most to it
};

/// An item of the knapsack; exactly one option is chosen. Usually an item is one decision and its
/// options are widths; decisions with a joint cost are merged, and their options are combinations
/// of widths.
struct Item {
  std::string name;
  std::size_t layers = 1;      ///< number of layers of the decision
  std::vector<int> widths;     ///< of the options, ascending; empty if decisions are merged
  std::vector<double> values;  ///< [option]
  std::vector<std::vector<std::int64_t>> costs;  ///< [constraint][option], >= 0

  [[nodiscard]] std::size_t options() const { return values.size(); }
};

enum class Sense { Maximize, Minimize };

/// A multiple-choice knapsack with one row per budget.
struct Problem {
  Sense sense = Sense::Maximize;
  std::vector<Item> items;
  std::vector<Constraint> constraints;
};

enum class Status {
  Optimal,      ///< proven
  TimeLimit,    ///< feasible; `gap` is the distance from `bound`
  Rounded,      ///< a continuous optimum, rounded; `bound` is the continuous optimum
  Rule,         ///< chosen by a rule, not by optimization
  LocalSearch,  ///< feasible, from local search; `gap` is the distance from `bound`
};
[[nodiscard]] std::string_view name_of(Status status);

struct Solution {
  std::vector<std::size_t> choice;  ///< index of an option, per item
  std::vector<double> continuous;   ///< widths before rounding, per item; empty if there are none
  double objective = 0;             ///< sum of the chosen values
  double bound = 0;                 ///< no choice is better than this
  double gap = 0;                   ///< |bound - objective| / max(|objective|, 1e-12)
  std::vector<std::int64_t> costs;  ///< per constraint, including base
  bool within_budget = true;        ///< Rounded by nearest may exceed it
  Status status = Status::Optimal;
  double seconds = 0;
  std::string solver;
};

/// @throws ConfigError if an item has no options, its widths do not ascend, sizes differ from the
/// number of options or constraints, a value is not finite, or a cost is negative.
void validate(const Problem& problem);

/// Costs per constraint of a choice, including base.
[[nodiscard]] std::vector<std::int64_t> costs_of(const Problem& problem,
                                                 std::span<const std::size_t> choice);
[[nodiscard]] double objective_of(const Problem& problem, std::span<const std::size_t> choice);
[[nodiscard]] bool fits(const Problem& problem, std::span<const std::int64_t> costs);

/// "5.20 MiB", "3.00 bits a weight", "75.1 GBOPs", "1.00 MiB of activations", "850.0 us".
[[nodiscard]] std::string format_quantity(const Constraint& constraint, std::int64_t amount);

/// @throws InfeasibleBudget if even the cheapest choice of every item exceeds a budget; the message
/// names the budget, the least possible value, the share of pinned and excluded layers, and the
/// remedy.
void require_feasible(const Problem& problem);

}  // namespace ompq::allocation
