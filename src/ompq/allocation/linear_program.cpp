#include "ompq/allocation/linear_program.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

#include <ClpSimplex.hpp>
#include <CoinPackedMatrix.hpp>
#include <fmt/format.h>

#include "ompq/core/error.h"

namespace ompq::allocation {
namespace {

double largest(const std::vector<double>& values) {
  double max = 0;
  for (const double value : values) max = std::max(max, std::abs(value));
  return max;
}

/// CLP's tolerances are absolute, so its inputs are scaled to about 1.
double scale_for(double magnitude) { return magnitude > 0 ? 1.0 / magnitude : 1.0; }

/// Rows, columns and objective of a linear program, maximized.
struct Rows {
  std::vector<int> row;
  std::vector<int> column;
  std::vector<double> entry;
  std::vector<double> lower;
  std::vector<double> upper;

  void add(std::size_t at_row, std::size_t at_column, double value) {
    row.push_back(static_cast<int>(at_row));
    column.push_back(static_cast<int>(at_column));
    entry.push_back(value);
  }
};

/// Solves in place. @return false if there is no solution.
bool maximize(ClpSimplex& model,
              const Rows& rows,
              const std::vector<double>& lower,
              const std::vector<double>& upper,
              const std::vector<double>& objective) {
  model.setLogLevel(0);
  CoinPackedMatrix matrix(true,
                          rows.row.data(),
                          rows.column.data(),
                          rows.entry.data(),
                          static_cast<CoinBigIndex>(rows.entry.size()));
  matrix.setDimensions(static_cast<int>(rows.lower.size()), static_cast<int>(objective.size()));
  model.loadProblem(
      matrix, lower.data(), upper.data(), objective.data(), rows.lower.data(), rows.upper.data());
  model.setOptimizationDirection(-1);
  model.setPrimalTolerance(1e-9);
  model.setDualTolerance(1e-9);
  model.dual();
  if (model.status() != 0 && model.status() != 1) model.primal();
  return model.status() == 0;
}

/// The largest distance of a layer's costs from a line. Files store codes in groups of eight, and
/// zero points in a group with codes only where both have the same width: that saves at most one
/// group. Other costs are rounded up to a whole unit.
double largest_bend(const Item& item, Quantity quantity) {
  const bool grouped = quantity == Quantity::SizeBits;
  const double each = grouped ? 8.0 * item.widths.back() : 1.0;
  return each * static_cast<double>(item.layers);
}

void require_linear(const Item& item,
                    const std::vector<std::int64_t>& costs,
                    double slope,
                    Quantity quantity) {
  for (std::size_t j = 0; j < costs.size(); ++j) {
    const double expected = static_cast<double>(costs.front()) +
                            slope * static_cast<double>(item.widths[j] - item.widths.front());
    const double bend = std::abs(static_cast<double>(costs[j]) - expected);
    if (bend <= largest_bend(item, quantity) + 1e-9 * expected) continue;
    throw ConfigError("allocation",
                      fmt::format("the cost of layer '{}' is not linear in its width ({} at {} "
                                  "bits); use an integer program",
                                  item.name,
                                  costs[j],
                                  item.widths[j]));
  }
}

/// Lagrangian upper bound on the optimum, valid for any prices: every item is maximized separately.
double lagrangian_bound(const Problem& problem, double sign, const std::vector<double>& prices) {
  double bound = 0;
  for (std::size_t k = 0; k < prices.size(); ++k) {
    const Constraint& constraint = problem.constraints[k];
    bound += prices[k] * static_cast<double>(constraint.limit - constraint.base);
  }
  for (const Item& item : problem.items) {
    double best = -HUGE_VAL;
    for (std::size_t j = 0; j < item.options(); ++j) {
      double value = sign * item.values[j];
      for (std::size_t k = 0; k < prices.size(); ++k) {
        value -= prices[k] * static_cast<double>(item.costs[k][j]);
      }
      best = std::max(best, value);
    }
    bound += best;
  }
  return bound;
}

double largest_difference(const Problem& problem) {
  double max = 0;
  for (const Item& item : problem.items) {
    const auto [low, high] = std::minmax_element(item.values.begin(), item.values.end());
    max = std::max(max, *high - *low);
  }
  return max;
}

double largest_cost(const Problem& problem, std::size_t k) {
  std::int64_t max = 0;
  for (const Item& item : problem.items) {
    max = std::max(max, *std::max_element(item.costs[k].begin(), item.costs[k].end()));
  }
  return static_cast<double>(max);
}

/// The program over shares of widths: one row per constraint, then one row per item.
Rows relaxation_rows(const Problem& problem, const std::vector<double>& scales) {
  Rows rows;
  for (std::size_t k = 0; k < scales.size(); ++k) {
    const Constraint& constraint = problem.constraints[k];
    rows.lower.push_back(-COIN_DBL_MAX);
    rows.upper.push_back(scales[k] * static_cast<double>(constraint.limit - constraint.base));
  }
  std::size_t column = 0;
  for (std::size_t i = 0; i < problem.items.size(); ++i) {
    const Item& item = problem.items[i];
    for (std::size_t j = 0; j < item.options(); ++j, ++column) {
      for (std::size_t k = 0; k < scales.size(); ++k) {
        rows.add(k, column, scales[k] * static_cast<double>(item.costs[k][j]));
      }
      rows.add(scales.size() + i, column, 1.0);
    }
    rows.lower.push_back(1.0);
    rows.upper.push_back(1.0);
  }
  return rows;
}

}  // namespace

ContinuousSolution solve_continuous(const ContinuousProgram& program) {
  const std::size_t items = program.coefficients.size();
  const double value_scale = scale_for(largest(program.coefficients));
  Rows rows;
  for (std::size_t k = 0; k < program.limits.size(); ++k) {
    const double scale = scale_for(largest(program.slopes[k]));
    double min = 0;
    for (std::size_t i = 0; i < items; ++i) {
      rows.add(k, i, scale * program.slopes[k][i]);
      min += program.slopes[k][i] * program.lower[i];
    }
    if (min > program.limits[k] * (1 + 1e-12)) {
      throw InfeasibleBudget("allocation",
                             fmt::format("the smallest widths cost {:.0f}, but only {:.0f} are "
                                         "left for them; raise the budget",
                                         min,
                                         program.limits[k]));
    }
    rows.lower.push_back(-COIN_DBL_MAX);
    rows.upper.push_back(scale * program.limits[k]);
  }
  std::vector<double> objective = program.coefficients;
  for (double& value : objective) value *= value_scale;
  ClpSimplex model;
  if (!maximize(model, rows, program.lower, program.upper, objective)) {
    throw InternalError("allocation",
                        fmt::format("the linear program ended with status {}", model.status()));
  }
  ContinuousSolution solution;
  const double* widths = model.primalColumnSolution();
  for (std::size_t i = 0; i < items; ++i) {
    solution.widths.push_back(std::clamp(widths[i], program.lower[i], program.upper[i]));
    solution.objective += program.coefficients[i] * solution.widths[i];
  }
  return solution;
}

ContinuousProgram continuous_program(const Problem& problem,
                                     const std::vector<double>& coefficients) {
  validate(problem);
  if (coefficients.size() != problem.items.size()) {
    throw ConfigError("allocation",
                      fmt::format("{} coefficients for {} layers with a decision",
                                  coefficients.size(),
                                  problem.items.size()));
  }
  ContinuousProgram program;
  program.coefficients = coefficients;
  program.slopes.resize(problem.constraints.size());
  for (const Constraint& constraint : problem.constraints) {
    program.limits.push_back(static_cast<double>(constraint.limit - constraint.base));
  }
  for (const Item& item : problem.items) {
    if (item.widths.empty()) {
      throw ConfigError(
          "allocation",
          fmt::format("layer '{}' has a joint cost with its input or its reader, which a linear "
                      "program over widths does not support; use an integer "
                      "program",
                      item.name));
    }
    const double lower = item.widths.front();
    const double upper = item.widths.back();
    program.lower.push_back(lower);
    program.upper.push_back(upper);
    for (std::size_t k = 0; k < problem.constraints.size(); ++k) {
      const auto& costs = item.costs[k];
      const auto rise = static_cast<double>(costs.back() - costs.front());
      const double slope =
          upper > lower ? rise / (upper - lower) : static_cast<double>(costs.front()) / lower;
      require_linear(item, costs, slope, problem.constraints[k].quantity);
      program.slopes[k].push_back(slope);
      program.limits[k] -= static_cast<double>(costs.front()) - slope * lower;
    }
  }
  return program;
}

Relaxation solve_relaxation(const Problem& problem) {
  validate(problem);
  require_feasible(problem);
  const double sign = problem.sense == Sense::Maximize ? 1.0 : -1.0;
  const double value_scale = scale_for(largest_difference(problem));
  std::vector<double> scales;
  for (std::size_t k = 0; k < problem.constraints.size(); ++k) {
    scales.push_back(scale_for(largest_cost(problem, k)));
  }
  std::vector<double> objective;
  for (const Item& item : problem.items) {
    // Only differences within an item matter; a common offset would reduce precision.
    for (const double value : item.values) {
      objective.push_back(sign * (value - item.values.front()) * value_scale);
    }
  }
  const std::vector<double> lower(objective.size(), 0.0);
  const std::vector<double> upper(objective.size(), 1.0);
  ClpSimplex model;
  if (!maximize(model, relaxation_rows(problem, scales), lower, upper, objective)) {
    throw InfeasibleBudget("allocation", "no choice of widths meets all budgets");
  }
  Relaxation relaxation;
  const double* duals = model.dualRowSolution();
  for (std::size_t k = 0; k < scales.size(); ++k) {
    // CLP has the sign of minimization; prices at an optimum are at least 0.
    relaxation.prices.push_back(std::abs(duals[k]) * scales[k] / value_scale);
  }
  relaxation.bound = sign * lagrangian_bound(problem, sign, relaxation.prices);
  const double* shares = model.primalColumnSolution();
  for (const Item& item : problem.items) {
    relaxation.share.emplace_back(shares, shares + item.options());
    shares += item.options();
  }
  return relaxation;
}

}  // namespace ompq::allocation
