#include "ompq/allocation/branch_and_bound.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <numeric>

#include <CbcHeuristic.hpp>
#include <CbcModel.hpp>
#include <CoinPackedMatrix.hpp>
#include <OsiClpSolverInterface.hpp>

#include "ompq/core/elapsed.h"

namespace ompq::allocation {
namespace {

using Choice = MultipleChoice::Choice;
using Clock = std::chrono::steady_clock;

/// The first binary variable of each item. Items with one column have no variables: their cost is
/// subtracted from the capacity.
struct Layout {
  std::vector<std::size_t> open;   ///< items with several columns
  std::vector<std::size_t> first;  ///< per open item, plus the end
};

Layout lay_out(const MultipleChoice& problem) {
  Layout layout{{}, {0}};
  for (std::size_t i = 0; i < problem.items.size(); ++i) {
    if (problem.items[i].size() == 1) continue;
    layout.open.push_back(i);
    layout.first.push_back(layout.first.back() + problem.items[i].size());
  }
  return layout;
}

/// A capacity row over the open items in the smallest integers: costs above each item's cheapest
/// column, divided by their greatest common divisor.
struct Row {
  std::vector<double> entries;
  double capacity = 0;
};

Row capacity_row(const MultipleChoice& problem, std::size_t k) {
  std::int64_t capacity = problem.capacity[k];
  std::int64_t divisor = 0;
  std::vector<std::int64_t> costs;
  for (const auto& columns : problem.items) {
    std::int64_t min = columns.front().costs[k];
    for (const Column& column : columns) min = std::min(min, column.costs[k]);
    capacity -= min;
    if (columns.size() == 1) continue;
    for (const Column& column : columns) {
      costs.push_back(column.costs[k] - min);
      divisor = std::gcd(divisor, costs.back());
    }
  }
  divisor = std::max<std::int64_t>(divisor, 1);
  Row row;
  for (const std::int64_t cost : costs) row.entries.push_back(static_cast<double>(cost / divisor));
  row.capacity = std::floor(static_cast<double>(capacity) / static_cast<double>(divisor));
  return row;
}

/// The scale of values for CBC. Its tolerances are absolute, so the difference between bound and
/// start should be about 1, without single values becoming too large for doubles.
double objective_scale(const MultipleChoice& problem, double room) {
  double max = 0;
  for (const auto& columns : problem.items) {
    for (const Column& column : columns) {
      max = std::max(max, std::abs(column.value - columns.front().value));
    }
  }
  if (max <= 0) return 1.0;
  const double by_size = 1e6 / max;
  return room > 0 && std::isfinite(room) ? std::min(by_size, 100.0 / room) : by_size;
}

/// The problem for CBC: minimize -scale * (value - value of the item's first column).
struct Program {
  Layout layout;
  double scale = 1;
  double constant = 0;  ///< value of the first columns
};

void load(OsiClpSolverInterface& solver, const MultipleChoice& problem, const Program& program) {
  const std::size_t rows = problem.capacity.size();
  const std::size_t binaries = program.layout.first.back();
  CoinPackedMatrix matrix(false, 0, 0);
  matrix.setDimensions(0, static_cast<int>(binaries));
  std::vector<double> row_lower;
  std::vector<double> row_upper;
  for (std::size_t k = 0; k < rows; ++k) {
    const Row row = capacity_row(problem, k);
    CoinPackedVector packed;
    for (std::size_t c = 0; c < binaries; ++c) {
      if (row.entries[c] != 0) packed.insert(static_cast<int>(c), row.entries[c]);
    }
    matrix.appendRow(packed);
    row_lower.push_back(-COIN_DBL_MAX);
    row_upper.push_back(row.capacity);
  }
  std::vector<double> objective;
  for (std::size_t o = 0; o < program.layout.open.size(); ++o) {
    const auto& columns = problem.items[program.layout.open[o]];
    CoinPackedVector packed;
    for (std::size_t j = 0; j < columns.size(); ++j) {
      packed.insert(static_cast<int>(program.layout.first[o] + j), 1.0);
      objective.push_back(-program.scale * (columns[j].value - columns.front().value));
    }
    matrix.appendRow(packed);
    row_lower.push_back(1.0);
    row_upper.push_back(1.0);
  }
  const std::vector<double> lower(binaries, 0.0);
  const std::vector<double> upper(binaries, 1.0);
  solver.loadProblem(
      matrix, lower.data(), upper.data(), objective.data(), row_lower.data(), row_upper.data());
  for (std::size_t c = 0; c < binaries; ++c) solver.setInteger(static_cast<int>(c));
}

Choice read_choice(const MultipleChoice& problem, const Layout& layout, const double* shares) {
  Choice choice(problem.items.size(), 0);
  for (std::size_t o = 0; o < layout.open.size(); ++o) {
    const double* begin = shares + layout.first[o];
    const double* end = shares + layout.first[o + 1];
    choice[layout.open[o]] = static_cast<std::size_t>(std::max_element(begin, end) - begin);
  }
  return choice;
}

/// Excludes one choice that CBC's tolerances accept although it exceeds a budget.
void forbid(OsiClpSolverInterface& solver, const Layout& layout, const Choice& choice) {
  CoinPackedVector row;
  for (std::size_t o = 0; o < layout.open.size(); ++o) {
    row.insert(static_cast<int>(layout.first[o] + choice[layout.open[o]]), 1.0);
  }
  solver.addRow(row, -COIN_DBL_MAX, static_cast<double>(layout.open.size()) - 1.0);
}

void configure(CbcModel& model, double seconds, double cutoff) {
  model.setLogLevel(0);
  model.solver()->messageHandler()->setLogLevel(0);
  model.setUseElapsedTime(true);
  model.setMaximumSeconds(std::max(seconds, 0.0));
  model.setAllowableGap(0);
  model.setAllowableFractionGap(0);
  model.setCutoffIncrement(1e-7);
  model.setIntegerTolerance(1e-8);
  model.setCutoff(cutoff);
  // No cuts: after the Lagrangian fixing they gain nothing, and the knapsack covers of Cgl 0.60 cut
  // off optima of these problems.
  CbcRounding heuristic(model);
  model.addHeuristic(&heuristic);
}

}  // namespace

BranchAndBoundResult branch_and_bound(const MultipleChoice& problem,
                                      const std::optional<Choice>& start,
                                      double seconds) {
  const auto began = Clock::now();
  const double start_value = start ? problem.value_of(*start) : -HUGE_VAL;
  Program program{lay_out(problem), objective_scale(problem, problem.bound - start_value), 0};
  for (const auto& columns : problem.items) program.constant += columns.front().value;
  BranchAndBoundResult result;
  result.bound = problem.bound;
  OsiClpSolverInterface solver;
  solver.messageHandler()->setLogLevel(0);
  load(solver, problem, program);
  const double cutoff =
      start ? -program.scale * (start_value - program.constant) - 1e-7 : COIN_DBL_MAX;
  while (seconds_since(began) < seconds) {
    CbcModel model(solver);
    configure(model, seconds - seconds_since(began), cutoff);
    model.initialSolve();
    model.branchAndBound();
    const bool finished = model.isProvenOptimal() || model.isProvenInfeasible();
    if (!finished) {
      const double bound = program.constant - model.getBestPossibleObjValue() / program.scale;
      result.bound = std::min(result.bound, std::max(bound, start_value));
    }
    if (model.bestSolution() == nullptr) {
      result.proven = finished;
      break;
    }
    const Choice choice = read_choice(problem, program.layout, model.bestSolution());
    if (problem.fits(choice)) {
      if (problem.value_of(choice) > start_value) result.better = choice;
      result.proven = finished;
      break;
    }
    forbid(solver, program.layout, choice);
  }
  if (result.proven) result.bound = result.better ? problem.value_of(*result.better) : start_value;
  return result;
}

}  // namespace ompq::allocation
