#pragma once

#include <vector>

#include "ompq/allocation/linear_program.h"

namespace ompq::allocation {

/// The point nearest to the upper bound within the program's only budget: clip(upper - mu slope_i,
/// lower, upper) with the smallest mu >= 0 that fits. It does not use importance; rounded, it
/// reproduces the published post-training allocations.
/// @throws ConfigError if there is not exactly one constraint; InfeasibleBudget if `lower` exceeds
/// it.
[[nodiscard]] std::vector<double> project_onto_budget(const ContinuousProgram& program);

}  // namespace ompq::allocation
