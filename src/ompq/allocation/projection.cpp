#include "ompq/allocation/projection.h"

#include <algorithm>

#include <fmt/format.h>

#include "ompq/core/error.h"

namespace ompq::allocation {
namespace {

double clipped(const ContinuousProgram& program, std::size_t i, double mu) {
  return std::clamp(
      program.upper[i] - mu * program.slopes[0][i], program.lower[i], program.upper[i]);
}

double cost_at(const ContinuousProgram& program, double mu) {
  double cost = 0;
  for (std::size_t i = 0; i < program.upper.size(); ++i) {
    cost += program.slopes[0][i] * clipped(program, i, mu);
  }
  return cost;
}

/// The values of mu at which items reach their lower bound; between two of these the cost decreases
/// linearly.
std::vector<double> breakpoints(const ContinuousProgram& program) {
  std::vector<double> points{0.0};
  for (std::size_t i = 0; i < program.upper.size(); ++i) {
    const double slope = program.slopes[0][i];
    if (slope > 0) points.push_back((program.upper[i] - program.lower[i]) / slope);
  }
  std::sort(points.begin(), points.end());
  return points;
}

}  // namespace

std::vector<double> project_onto_budget(const ContinuousProgram& program) {
  if (program.limits.size() != 1) {
    throw ConfigError(
        "allocation",
        fmt::format("the projection supports one budget, not {}; use an integer program",
                    program.limits.size()));
  }
  const double limit = program.limits.front();
  const std::vector<double> points = breakpoints(program);
  if (cost_at(program, points.back()) > limit * (1 + 1e-12)) {
    throw InfeasibleBudget(
        "allocation",
        fmt::format(
            "the smallest widths cost {:.0f}, but only {:.0f} are left for them; raise the budget",
            cost_at(program, points.back()),
            limit));
  }
  double mu = 0;
  if (cost_at(program, 0) > limit) {
    const auto after = std::partition_point(points.begin(), points.end(), [&](double point) {
      return cost_at(program, point) > limit;
    });
    const double right = after == points.end() ? points.back() : *after;
    const double left = *(after - 1);
    const double cost_left = cost_at(program, left);
    const double cost_right = cost_at(program, right);
    const double fall = cost_left - cost_right;
    mu = fall > 0 ? left + (right - left) * (cost_left - limit) / fall : right;
  }
  std::vector<double> widths;
  for (std::size_t i = 0; i < program.upper.size(); ++i) widths.push_back(clipped(program, i, mu));
  return widths;
}

}  // namespace ompq::allocation
