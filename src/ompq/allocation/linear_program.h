#pragma once

#include <cstdint>
#include <vector>

#include "ompq/allocation/problem.h"

namespace ompq::allocation {

/// maximize sum_i coefficients_i b_i  s.t.  sum_i slopes[k][i] b_i <= limits[k],  lower <= b <=
/// upper. Source: Ma et al. 2023, the program over bit-widths.
struct ContinuousProgram {
  std::vector<double> coefficients;
  std::vector<double> lower;
  std::vector<double> upper;
  std::vector<std::vector<double>> slopes;  ///< [constraint][item], cost of one bit, >= 0
  std::vector<double> limits;               ///< capacity left for the items
};

struct ContinuousSolution {
  std::vector<double> widths;
  double objective = 0;
};

/// The exact optimum (dual simplex, CLP).
/// @throws InfeasibleBudget if `lower` already exceeds a limit.
[[nodiscard]] ContinuousSolution solve_continuous(const ContinuousProgram& program);

/// The continuous program of `problem`, with costs linear in the width between an item's smallest
/// and largest one. `coefficients` are the values of one bit.
/// @throws ConfigError if a cost is not linear in the width.
[[nodiscard]] ContinuousProgram continuous_program(const Problem& problem,
                                                   const std::vector<double>& coefficients);

/// The linear relaxation of the multiple-choice problem: a bound on the integer optimum, and the
/// price of a unit of each budget.
struct Relaxation {
  double bound = 0;                        ///< upper for Maximize, lower for Minimize
  std::vector<double> prices;              ///< per constraint, >= 0
  std::vector<std::vector<double>> share;  ///< [item][width], sums to 1 for every item
};
/// @throws InfeasibleBudget if there is no solution.
[[nodiscard]] Relaxation solve_relaxation(const Problem& problem);

}  // namespace ompq::allocation
