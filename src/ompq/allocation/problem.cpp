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
  if (item.widths.empty()) fail("no candidate widths; give at least one");
  if (!std::is_sorted(item.widths.begin(), item.widths.end(), std::less_equal<>())) {
    fail(fmt::format("candidate widths that do not ascend: {}", fmt::join(item.widths, ", ")));
  }
  if (item.values.size() != item.widths.size() || item.costs.size() != constraints) {
    fail(fmt::format("{} values for {} widths and costs for {} of {} budgets",
                     item.values.size(),
                     item.widths.size(),
                     item.costs.size(),
                     constraints));
  }
  for (std::size_t j = 0; j < item.values.size(); ++j) {
    if (std::isfinite(item.values[j])) continue;
    fail(fmt::format("the value {} at {} bits; it must be finite", item.values[j], item.widths[j]));
  }
  for (const auto& row : item.costs) {
    if (row.size() != item.widths.size()) {
      fail(fmt::format("{} costs for {} widths", row.size(), item.widths.size()));
    }
    for (const std::int64_t cost : row) {
      if (cost < 0) fail(fmt::format("the negative cost {}", cost));
    }
  }
}

/// "11 layers at 2 bits, 0.50 MiB fixed": the cheapest choice under one constraint.
std::string cheapest_text(const Problem& problem, std::size_t k) {
  std::size_t layers = 0;
  int smallest = 0;
  bool same = true;
  for (const Item& item : problem.items) {
    const auto& row = item.costs[k];
    const int width = item.widths[static_cast<std::size_t>(
        std::min_element(row.begin(), row.end()) - row.begin())];
    same = same && (layers == 0 || width == smallest);
    smallest = width;
    layers += item.layers;
  }
  std::string text = same ? fmt::format("{} layer{} at {} bit{}",
                                        layers,
                                        layers == 1 ? "" : "s",
                                        smallest,
                                        smallest == 1 ? "" : "s")
                          : fmt::format("{} layers at their cheapest widths", layers);
  const Constraint& constraint = problem.constraints[k];
  if (constraint.base > 0) {
    text += fmt::format(", {} not decided", format_quantity(constraint, constraint.base));
  }
  return text;
}

/// ", or allow 1-bit layers" where there is a smaller width that is not among the candidates.
std::string smaller_widths_text(const Problem& problem) {
  int smallest = 0;
  for (const Item& item : problem.items) {
    smallest = smallest == 0 ? item.widths.front() : std::min(smallest, item.widths.front());
  }
  return smallest > 1 ? fmt::format(" or allow {}-bit layers", smallest - 1) : "";
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
  }
  return std::to_string(amount);
}

void require_feasible(const Problem& problem) {
  for (std::size_t k = 0; k < problem.constraints.size(); ++k) {
    const Constraint& constraint = problem.constraints[k];
    std::int64_t least = constraint.base;
    for (const Item& item : problem.items) {
      least += *std::min_element(item.costs[k].begin(), item.costs[k].end());
    }
    if (least <= constraint.limit) continue;
    std::string budget = format_quantity(constraint, constraint.limit);
    std::string possible = format_quantity(constraint, least);
    if (budget == possible) {  // they differ by less than is printed
      budget += fmt::format(" ({})", constraint.limit);
      possible += fmt::format(" ({})", least);
    }
    throw InfeasibleBudget("allocation",
                           fmt::format("budget {} is below the least possible {} ({}); raise the "
                                       "budget{}",
                                       budget,
                                       possible,
                                       cheapest_text(problem, k),
                                       smaller_widths_text(problem)));
  }
}

}  // namespace ompq::allocation
