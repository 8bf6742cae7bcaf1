#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "ompq/allocation/linear_program.h"
#include "ompq/allocation/multiple_choice.h"
#include "ompq/allocation/problem.h"
#include "ompq/core/random.h"

namespace ompq::testing {

/// What a random problem has.
struct ProblemRecipe {
  std::size_t items = 8;
  std::size_t widths = 3;
  std::size_t budgets = 1;
  bool coarse = false;  ///< few different values and costs: many ties
};

/// Losses that fall with the width (or gains that rise), sizes of all magnitudes.
[[nodiscard]] allocation::Problem random_problem(const ProblemRecipe& recipe, Random& random);

/// The best objective over all choices that fit, by trying each; infinite if none fits.
[[nodiscard]] double best_objective(const allocation::Problem& problem);

/// Doubles added up in different orders differ by no more than this.
[[nodiscard]] double objective_slack(double objective);

/// The same for the integer solver, of one to seven items and `rows` rows; costs of the second half
/// of the seeds do not rise with the width.
[[nodiscard]] allocation::MultipleChoice random_multiple_choice(std::uint64_t seed,
                                                                std::size_t rows);

/// Calls `visit` with every choice, also those that do not fit.
void for_each_choice(const allocation::MultipleChoice& problem,
                     const std::function<void(const allocation::MultipleChoice::Choice&)>& visit);

/// The best choice that fits, by trying each; nullopt if none fits.
[[nodiscard]] std::optional<allocation::MultipleChoice::Choice> best_choice(
    const allocation::MultipleChoice& problem);

/// A program of up to 30 widths with one budget between its least and its most.
[[nodiscard]] allocation::ContinuousProgram random_program(std::uint64_t seed);

/// What `widths` cost under the program's first budget.
[[nodiscard]] double linear_cost(const allocation::ContinuousProgram& program,
                                 const std::vector<double>& widths);

}  // namespace ompq::testing
