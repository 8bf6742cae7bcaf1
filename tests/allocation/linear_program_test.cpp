#include "ompq/allocation/linear_program.h"

#include <cmath>
#include <fstream>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "ompq/allocation/allocators.h"
#include "ompq/allocation/projection.h"
#include "ompq/core/error.h"
#include "ompq/core/random.h"
#include "support/paths.h"

namespace ompq::allocation {
namespace {

/// The fractional knapsack: fill from the lower bounds in order of worth per cost.
double greedy_optimum(const ContinuousProgram& program) {
  const std::size_t n = program.coefficients.size();
  std::vector<std::size_t> order(n);
  double left = program.limits[0];
  double objective = 0;
  for (std::size_t i = 0; i < n; ++i) {
    order[i] = i;
    left -= program.slopes[0][i] * program.lower[i];
    objective += program.coefficients[i] * program.lower[i];
  }
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return program.coefficients[a] * program.slopes[0][b] >
           program.coefficients[b] * program.slopes[0][a];
  });
  for (const std::size_t i : order) {
    const double room = program.upper[i] - program.lower[i];
    const double step = std::min(room, std::max(0.0, left) / program.slopes[0][i]);
    objective += program.coefficients[i] * step;
    left -= program.slopes[0][i] * step;
  }
  return objective;
}

ContinuousProgram random_program(std::uint64_t seed) {
  Random random(seed);
  const std::size_t n = 1 + random.below(30);
  ContinuousProgram program;
  program.slopes.resize(1);
  double min = 0;
  double max = 0;
  for (std::size_t i = 0; i < n; ++i) {
    program.coefficients.push_back(std::exp(-6 * random.uniform()));
    program.slopes[0].push_back(1 + std::floor(1e6 * random.uniform()));
    program.lower.push_back(2);
    program.upper.push_back(4 + static_cast<double>(random.below(4)));
    min += program.slopes[0][i] * program.lower[i];
    max += program.slopes[0][i] * program.upper[i];
  }
  program.limits.push_back(min + (max - min) * random.uniform());
  return program;
}

double cost(const ContinuousProgram& program, const std::vector<double>& widths) {
  double sum = 0;
  for (std::size_t i = 0; i < widths.size(); ++i) sum += program.slopes[0][i] * widths[i];
  return sum;
}

TEST(SolveContinuous, EqualsEveryGoldenProgram) {
  OMPQ_SHARED_OR_SKIP(shared);
  const auto golden =
      nlohmann::json::parse(std::ifstream(shared / "golden" / "orm-resnet20-cifar10.json"));
  const auto params = golden.at("params").get<std::vector<double>>();
  double total = 0;
  for (const double p : params) total += p;
  int programs = 0;
  for (const auto& row : golden.at("programs")) {
    ContinuousProgram program;
    program.coefficients = row.at("c").get<std::vector<double>>();
    program.lower.assign(params.size(), row.at("lo"));
    program.upper.assign(params.size(), row.at("hi"));
    program.slopes = {params};
    program.limits = {row.at("average_bits").get<double>() * total};
    const ContinuousSolution got = solve_continuous(program);
    const double expected = row.at("lp_objective");
    EXPECT_NEAR(got.objective, expected, 1e-6 * expected) << "program " << programs;
    EXPECT_LE(cost(program, got.widths), program.limits[0] * (1 + 1e-9)) << "program " << programs;
    const auto widths = row.at("lp_bits").get<std::vector<double>>();
    for (std::size_t i = 0; i < widths.size(); ++i) {
      EXPECT_NEAR(got.widths[i], widths[i], 1e-4) << "program " << programs << ", layer " << i;
    }
    ++programs;
  }
  EXPECT_EQ(programs, 9);
}

TEST(SolveContinuous, EqualsTheFractionalKnapsack) {
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    const ContinuousProgram program = random_program(seed);
    const ContinuousSolution got = solve_continuous(program);
    const double expected = greedy_optimum(program);
    ASSERT_NEAR(got.objective, expected, 1e-9 * expected) << "seed " << seed;
    ASSERT_LE(cost(program, got.widths), program.limits[0] * (1 + 1e-9)) << "seed " << seed;
    int fractional = 0;
    for (std::size_t i = 0; i < got.widths.size(); ++i) {
      const bool at_bound = std::abs(got.widths[i] - program.lower[i]) < 1e-7 ||
                            std::abs(got.widths[i] - program.upper[i]) < 1e-7;
      fractional += at_bound ? 0 : 1;
    }
    ASSERT_LE(fractional, 1) << "seed " << seed << ": the optimum is bang-bang";
  }
}

TEST(SolveContinuous, IgnoresTheScaleOfTheCoefficients) {
  ContinuousProgram program = random_program(7);
  const ContinuousSolution before = solve_continuous(program);
  for (double& c : program.coefficients) c *= 1e-30;
  const ContinuousSolution after = solve_continuous(program);
  EXPECT_NEAR(after.objective, 1e-30 * before.objective, 1e-39 * before.objective);
}

TEST(SolveContinuous, RefusesABudgetBelowTheLowerBounds) {
  ContinuousProgram program = random_program(8);
  program.limits[0] = 0.9 * cost(program, program.lower);
  EXPECT_THROW((void)solve_continuous(program), InfeasibleBudget);
  EXPECT_THROW((void)project_onto_budget(program), InfeasibleBudget);
}

TEST(ContinuousProgram, RefusesCostsThatAreNotLinear) {
  Problem problem;
  problem.constraints.push_back({Quantity::SizeBits, 100, 0, 0});
  problem.items.push_back({"bent", 1, {2, 3, 4}, {0, 0, 0}, {{10, 10, 40}}});
  try {
    (void)continuous_program(problem, {1.0});
    FAIL() << "a bent cost was accepted";
  } catch (const ConfigError& error) {
    EXPECT_THAT(error.what(), ::testing::HasSubstr("'bent' is not linear"));
  }
}

TEST(Projection, IsTheNearestPointToTheUpperBounds) {
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    const ContinuousProgram program = random_program(seed);
    const std::vector<double> got = project_onto_budget(program);
    ASSERT_NEAR(cost(program, got), program.limits[0], 1e-9 * program.limits[0]) << "seed " << seed;
    // Optimality: the distance (upper - b) is the same multiple of the slope wherever b is free,
    // at most that at the lower bound.
    double mu = -1;
    for (std::size_t i = 0; i < got.size(); ++i) {
      const double here = (program.upper[i] - got[i]) / program.slopes[0][i];
      if (got[i] > program.lower[i] + 1e-9) {
        if (mu < 0) mu = here;
        ASSERT_NEAR(here, mu, 1e-6 * mu + 1e-15) << "seed " << seed << ", layer " << i;
      }
    }
    for (std::size_t i = 0; i < got.size() && mu >= 0; ++i) {
      const double here = (program.upper[i] - got[i]) / program.slopes[0][i];
      ASSERT_LE(here, mu * (1 + 1e-6) + 1e-15) << "seed " << seed << ", layer " << i;
    }
  }
}

TEST(Projection, KeepsTheUpperBoundsUnderALargeBudget) {
  ContinuousProgram program = random_program(9);
  program.limits[0] = 2 * cost(program, program.upper);
  EXPECT_EQ(project_onto_budget(program), program.upper);
}

}  // namespace
}  // namespace ompq::allocation
