#include "ompq/allocation/problem.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "ompq/core/byte_count.h"
#include "ompq/core/error.h"

namespace ompq::allocation {
namespace {

void validate_item(const Item& item, std::size_t constraints) {
  const auto fail = [&](std::string_view what) {
    throw ConfigError("allocation", fmt::format("layer '{}' has {}", item.name, what));
  };
  if (item.values.empty()) fail("no candidate widths; give at least one");
  if (!std::is_sorted(item.widths.begin(), item.widths.end(), std::less_equal<>())) {
    fail(fmt::format("candidate widths that are not ascending: {}", fmt::join(item.widths, ", ")));
  }
  const bool widths_fit = item.widths.empty() || item.widths.size() == item.options();
  if (!widths_fit || item.costs.size() != constraints) {
    fail(fmt::format("{} values for {} widths and costs for {} of {} budgets",
                     item.values.size(),
                     item.widths.size(),
                     item.costs.size(),
                     constraints));
  }
  for (std::size_t j = 0; j < item.values.size(); ++j) {
    if (std::isfinite(item.values[j])) continue;
    // A measured loss: the weights or the samples have numbers whose squares overflow.
    throw DataError("allocation",
                    fmt::format("layer '{}' has the loss {} at {}, which is not finite; check its "
                                "weights and the samples",
                                item.name,
                                item.values[j],
                                item.widths.empty() ? fmt::format("option {}", j)
                                                    : fmt::format("{} bits", item.widths[j])));
  }
  for (const auto& row : item.costs) {
    if (row.size() != item.options()) {
      fail(fmt::format("{} costs for {} widths", row.size(), item.options()));
    }
    for (const std::int64_t cost : row) {
      if (cost < 0) fail(fmt::format("the negative cost {}", cost));
    }
  }
}

/// The common width of a constraint's cheapest options, if all have the same one; else 0.
struct Cheapest {
  std::size_t layers = 0;
  int width = 0;
};

Cheapest cheapest_widths(const Problem& problem, std::size_t k) {
  Cheapest cheapest;
  bool same = true;
  for (const Item& item : problem.items) {
    const auto& row = item.costs[k];
    const auto [min, max] = std::minmax_element(row.begin(), row.end());
    if (*max == 0) continue;  // it does not affect this budget
    const int width =
        item.widths.empty() ? 0 : item.widths[static_cast<std::size_t>(min - row.begin())];
    same = same && (cheapest.layers == 0 || width == cheapest.width);
    cheapest.width = width;
    cheapest.layers += item.layers;
  }
  if (!same) cheapest.width = 0;
  return cheapest;
}

/// "11 layers at 2 bits, 0.50 MiB not decided": the cheapest choice under one constraint.
std::string cheapest_text(const Problem& problem, std::size_t k) {
  const Constraint& constraint = problem.constraints[k];
  const Cheapest cheapest = cheapest_widths(problem, k);
  const std::string_view noun =
      constraint.quantity == Quantity::ActivationBytes ? "tensor" : "layer";
  std::string text =
      fmt::format("{} {}{} at ", cheapest.layers, noun, cheapest.layers == 1 ? "" : "s");
  text += cheapest.width == 0
              ? std::string("their cheapest widths")
              : fmt::format("{} bit{}", cheapest.width, cheapest.width == 1 ? "" : "s");
  if (cheapest.layers == 0) text = "nothing is left to decide";
  if (constraint.base > 0) {
    text += fmt::format(", {} not decided", format_quantity(constraint, constraint.base));
  }
  return text;
}

/// "raise the budget", and other remedies.
std::string remedy(const Problem& problem, std::size_t k, std::int64_t min) {
  const Constraint& constraint = problem.constraints[k];
  if (constraint.restricted > 0) {
    return fmt::format(
        "{}pinned, excluded or restricted layers need {} more than the common candidates would "
        "('{}' the most): relax them or raise the budget",
        min - constraint.restricted <= constraint.limit ? "" : "among other things, ",
        format_quantity(constraint, constraint.restricted),
        constraint.most_restricted);
  }
  if (constraint.quantity == Quantity::ActivationBytes) {
    return "raise the budget or allow narrower activations";
  }
  int smallest = 0;
  for (const Item& item : problem.items) {
    if (item.widths.empty()) continue;
    smallest = smallest == 0 ? item.widths.front() : std::min(smallest, item.widths.front());
  }
  return smallest > 1 ? fmt::format("raise the budget or allow {}-bit layers", smallest - 1)
                      : "raise the budget";
}

std::int64_t min_cost(const Problem& problem, std::size_t k) {
  std::int64_t min = problem.constraints[k].base;
  for (const Item& item : problem.items) {
    min += *std::min_element(item.costs[k].begin(), item.costs[k].end());
  }
  return min;
}

/// Several constraints may belong to one budget, such as the live sets of a run to its peak; the
/// one that needs the most determines the least possible budget.
std::size_t most_demanding(const Problem& problem, std::size_t k) {
  std::size_t worst = k;
  for (std::size_t other = k + 1; other < problem.constraints.size(); ++other) {
    const bool same_budget =
        problem.constraints[other].quantity == problem.constraints[k].quantity &&
        problem.constraints[other].limit == problem.constraints[k].limit;
    if (same_budget && min_cost(problem, other) > min_cost(problem, worst)) worst = other;
  }
  return worst;
}

}  // namespace

std::string_view name_of(Status status) {
  switch (status) {
    case Status::Optimal:
      return "optimal";
    case Status::TimeLimit:
      return "time-limit";
    case Status::Rounded:
      return "rounded";
    case Status::Rule:
      return "rule";
    case Status::LocalSearch:
      return "local-search";
  }
  return "unknown";
}

void validate(const Problem& problem) {
  for (const Item& item : problem.items) validate_item(item, problem.constraints.size());
}

std::vector<std::int64_t> costs_of(const Problem& problem, std::span<const std::size_t> choice) {
  std::vector<std::int64_t> costs;
  for (std::size_t k = 0; k < problem.constraints.size(); ++k) {
    std::int64_t sum = problem.constraints[k].base;
    for (std::size_t i = 0; i < choice.size(); ++i) sum += problem.items[i].costs[k][choice[i]];
    costs.push_back(sum);
  }
  return costs;
}

double objective_of(const Problem& problem, std::span<const std::size_t> choice) {
  double sum = 0;
  for (std::size_t i = 0; i < choice.size(); ++i) sum += problem.items[i].values[choice[i]];
  return sum;
}

bool fits(const Problem& problem, std::span<const std::int64_t> costs) {
  for (std::size_t k = 0; k < costs.size(); ++k) {
    if (costs[k] > problem.constraints[k].limit) return false;
  }
  return true;
}

std::string format_quantity(const Constraint& constraint, std::int64_t amount) {
  const auto value = static_cast<double>(amount);
  switch (constraint.quantity) {
    case Quantity::SizeBits:
      return format_bytes((amount + 7) / 8);
    case Quantity::WeightBits:
      return fmt::format(
          "{:.2f} bits a weight",
          value / static_cast<double>(std::max<std::int64_t>(constraint.weights, 1)));
    case Quantity::Bops:
      return fmt::format("{:.2f} GBOPs", value / 1e9);
    case Quantity::WeightBytes:
      return format_bytes(amount) + " of weights";
    case Quantity::ActivationBytes:
      return format_bytes(amount) + " of activations";
    case Quantity::LatencyNs:
      return fmt::format("{:.1f} us", value / 1e3);
  }
  return std::to_string(amount);
}

void require_feasible(const Problem& problem) {
  for (std::size_t k = 0; k < problem.constraints.size(); ++k) {
    if (min_cost(problem, k) <= problem.constraints[k].limit) continue;
    const std::size_t worst = most_demanding(problem, k);
    const Constraint& constraint = problem.constraints[worst];
    const std::int64_t min = min_cost(problem, worst);
    std::string budget = format_quantity(constraint, constraint.limit);
    std::string possible = format_quantity(constraint, min);
    if (budget == possible) {  // they differ by less than the printed precision
      budget += fmt::format(" ({})", constraint.limit);
      possible += fmt::format(" ({})", min);
    }
    throw InfeasibleBudget("allocation",
                           fmt::format("budget {} is below the least possible {} ({}); {}",
                                       budget,
                                       possible,
                                       cheapest_text(problem, worst),
                                       remedy(problem, worst, min)));
  }
}

}  // namespace ompq::allocation
