#include "ompq/allocation/linear_program.h"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "allocation/random_problems.h"
#include "ompq/allocation/cost_model.h"
#include "ompq/core/error.h"
#include "support/paths.h"

namespace ompq::allocation {
namespace {

using testing::linear_cost;
using testing::random_program;

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
    EXPECT_LE(linear_cost(program, got.widths), program.limits[0] * (1 + 1e-9))
        << "program " << programs;
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
    ASSERT_LE(linear_cost(program, got.widths), program.limits[0] * (1 + 1e-9)) << "seed " << seed;
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
  program.limits[0] = 0.9 * linear_cost(program, program.lower);
  EXPECT_THROW((void)solve_continuous(program), InfeasibleBudget);
}

TEST(ContinuousProgram, RefusesCostsThatAreNotLinear) {
  for (const auto& [quantity, costs] :
       {std::pair{Quantity::Bops, std::vector<std::int64_t>{10, 10, 40}},
        std::pair{Quantity::SizeBits, std::vector<std::int64_t>{100, 100, 400}}}) {
    Problem problem;
    problem.constraints.push_back({quantity, 1000, 0, 0});
    problem.items.push_back({"bent", 1, {2, 3, 4}, {0, 0, 0}, {costs}});
    try {
      (void)continuous_program(problem, {1.0});
      FAIL() << "a bent cost was accepted";
    } catch (const ConfigError& error) {
      EXPECT_THAT(error.what(), ::testing::HasSubstr("'bent' is not linear"));
    }
  }
}

/// Zero points of normal levels have 4 bits at every width, and are written with codes of 4 bits.
TEST(ContinuousProgram, TakesCostsOfLevelsWhoseZeroPointsHaveOneWidth) {
  CostOptions options;
  options.zero_point_bits = {0, 0, 4, 4, 4, 5, 6, 7, 0};
  for (std::int64_t channels = 1; channels <= 40; ++channels) {
    for (const std::int64_t inputs : {1, 3, 9, 27}) {
      const LayerCost layer{.name = "layer",
                            .weight_count = inputs * channels,
                            .bias_count = channels,
                            .out_channels = channels};
      Item item{layer.name, 1, {2, 3, 4}, {0, 0, 0}, {{}}};
      for (const int width : item.widths) item.costs[0].push_back(size_bits(layer, width, options));
      Problem problem;
      problem.constraints.push_back({Quantity::SizeBits, 1'000'000, 0, 0});
      problem.items.push_back(item);
      EXPECT_NO_THROW((void)continuous_program(problem, {1.0})) << inputs << " x " << channels;
    }
  }
}
}  // namespace
}  // namespace ompq::allocation
