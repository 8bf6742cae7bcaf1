#include "allocation/random_problems.h"

#include <algorithm>
#include <cmath>
#include <string>

namespace ompq::testing {

using namespace allocation;

Problem random_problem(const ProblemRecipe& recipe, Random& random) {
  Problem problem;
  problem.sense = random.below(2) == 0 ? Sense::Maximize : Sense::Minimize;
  const double sign = problem.sense == Sense::Maximize ? 1.0 : -1.0;
  std::vector<std::int64_t> least(recipe.budgets, 0);
  std::vector<std::int64_t> most(recipe.budgets, 0);
  for (std::size_t i = 0; i < recipe.items; ++i) {
    Item item;
    item.name = "layer" + std::to_string(i);
    const double weight = recipe.coarse ? static_cast<double>(1 + random.below(2))
                                        : std::exp(8 * random.uniform() - 8);
    for (std::size_t j = 0; j < recipe.widths; ++j) {
      item.widths.push_back(static_cast<int>(j) + 2);
      item.values.push_back(
          recipe.coarse
              ? sign * weight * static_cast<double>(j)
              : -sign * weight * std::pow(0.3 + 0.1 * random.uniform(), static_cast<double>(j)));
    }
    for (std::size_t k = 0; k < recipe.budgets; ++k) {
      const auto unit = static_cast<std::int64_t>(recipe.coarse ? 8 * (1 + random.below(3))
                                                                : 1 + random.below(2000000));
      auto& row = item.costs.emplace_back();
      for (const int width : item.widths) row.push_back(unit * width);
      least[k] += row.front();
      most[k] += row.back();
    }
    problem.items.push_back(item);
  }
  for (std::size_t k = 0; k < recipe.budgets; ++k) {
    const auto base = static_cast<std::int64_t>(random.below(1000));
    const double part = random.uniform();
    const auto room = static_cast<std::int64_t>(part * static_cast<double>(most[k] - least[k]));
    problem.constraints.push_back({Quantity::SizeBits, base + least[k] + room, base, 0});
  }
  return problem;
}

double best_objective(const Problem& problem) {
  const bool maximize = problem.sense == Sense::Maximize;
  double best = maximize ? -HUGE_VAL : HUGE_VAL;
  std::vector<std::size_t> choice(problem.items.size(), 0);
  while (true) {
    if (fits(problem, costs_of(problem, choice))) {
      const double objective = objective_of(problem, choice);
      best = maximize ? std::max(best, objective) : std::min(best, objective);
    }
    std::size_t i = 0;
    while (i < choice.size() && ++choice[i] == problem.items[i].widths.size()) choice[i++] = 0;
    if (i == choice.size()) return best;
  }
}

double objective_slack(double objective) { return 1e-9 * std::max(std::abs(objective), 1e-9); }

MultipleChoice random_multiple_choice(std::uint64_t seed, std::size_t rows) {
  Random random(seed);
  while (true) {
    const ProblemRecipe recipe{
        1 + random.below(7), 2 + random.below(3), rows, random.below(3) == 0};
    Problem problem = random_problem(recipe, random);
    if (seed % 2 == 1) {
      for (Item& item : problem.items) random.shuffle(item.costs.back());
    }
    if (std::isfinite(best_objective(problem))) return make_multiple_choice(problem);
  }
}

void for_each_choice(const MultipleChoice& problem,
                     const std::function<void(const MultipleChoice::Choice&)>& visit) {
  MultipleChoice::Choice choice(problem.items.size(), 0);
  while (true) {
    visit(choice);
    std::size_t i = 0;
    while (i < choice.size() && ++choice[i] == problem.items[i].size()) choice[i++] = 0;
    if (i == choice.size()) return;
  }
}

std::optional<MultipleChoice::Choice> best_choice(const MultipleChoice& problem) {
  std::optional<MultipleChoice::Choice> best;
  for_each_choice(problem, [&](const MultipleChoice::Choice& choice) {
    if (!problem.fits(choice)) return;
    if (!best || problem.value_of(choice) > problem.value_of(*best)) best = choice;
  });
  return best;
}

ContinuousProgram random_program(std::uint64_t seed) {
  Random random(seed);
  const std::size_t n = 1 + random.below(30);
  ContinuousProgram program;
  program.slopes.resize(1);
  double least = 0;
  double most = 0;
  for (std::size_t i = 0; i < n; ++i) {
    program.coefficients.push_back(std::exp(-6 * random.uniform()));
    program.slopes[0].push_back(1 + std::floor(1e6 * random.uniform()));
    program.lower.push_back(2);
    program.upper.push_back(4 + static_cast<double>(random.below(4)));
    least += program.slopes[0][i] * program.lower[i];
    most += program.slopes[0][i] * program.upper[i];
  }
  program.limits.push_back(least + (most - least) * random.uniform());
  return program;
}

double linear_cost(const ContinuousProgram& program, const std::vector<double>& widths) {
  double sum = 0;
  for (std::size_t i = 0; i < widths.size(); ++i) sum += program.slopes[0][i] * widths[i];
  return sum;
}

}  // namespace ompq::testing
