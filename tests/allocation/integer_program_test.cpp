#include "ompq/allocation/integer_program.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <numeric>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "allocation/random_problems.h"
#include "ompq/allocation/linear_program.h"
#include "ompq/core/error.h"
#include "ompq/core/random.h"

namespace ompq::allocation {
namespace {

using testing::best_objective;
using testing::objective_slack;
using testing::ProblemRecipe;
using testing::random_problem;

/// Branch and bound where dynamic programming would have done.
constexpr IntegerOptions kBranchAndBound{.max_labels = 0};

void expect_optimal(const Problem& problem,
                    double expected,
                    const IntegerOptions& options,
                    std::uint64_t seed) {
  const Solution got = solve_integer_program(problem, options);
  ASSERT_NEAR(got.objective, expected, objective_slack(expected)) << "seed " << seed;
  ASSERT_EQ(got.status, Status::Optimal) << "seed " << seed;
  ASSERT_EQ(got.gap, 0.0) << "seed " << seed;
  ASSERT_EQ(got.costs, costs_of(problem, got.choice)) << "seed " << seed;
  ASSERT_TRUE(fits(problem, got.costs)) << "seed " << seed;
  ASSERT_EQ(got.objective, objective_of(problem, got.choice)) << "seed " << seed;
}

void expect_optimal(const Problem& problem, std::uint64_t seed) {
  const double expected = best_objective(problem);
  expect_optimal(problem, expected, {}, seed);
  expect_optimal(problem, expected, kBranchAndBound, seed);
}

TEST(SolveIlp, EqualsBruteForce) {
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    Random random(seed);
    const ProblemRecipe recipe{1 + random.below(8), 2 + random.below(3), 1, false};
    expect_optimal(random_problem(recipe, random), seed);
  }
}

TEST(SolveIlp, EqualsBruteForceWithSeveralBudgets) {
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    Random random(1000 + seed);
    const ProblemRecipe recipe{
        1 + random.below(7), 2 + random.below(3), 2 + random.below(2), false};
    expect_optimal(random_problem(recipe, random), seed);
  }
}

TEST(SolveIlp, EqualsBruteForceWhereManyChoicesTie) {
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    Random random(2000 + seed);
    const ProblemRecipe recipe{1 + random.below(8), 2 + random.below(2), 1 + random.below(2), true};
    expect_optimal(random_problem(recipe, random), seed);
  }
}

TEST(SolveIlp, EqualsBruteForceWhereTheCheapestWidthIsNotTheSmallest) {
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    Random random(3000 + seed);
    Problem problem = random_problem({6, 4, 2, false}, random);
    for (Item& item : problem.items) {
      random.shuffle(item.values);
      random.shuffle(item.costs[1]);
    }
    try {
      expect_optimal(problem, seed);
    } catch (const InfeasibleBudget&) {
      ASSERT_FALSE(std::isfinite(best_objective(problem))) << "seed " << seed;
    }
  }
}

TEST(SolveIlp, NeverBeatsItsLinearBoundAndNeverExceedsTheBudget) {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    Random random(4000 + seed);
    const Problem problem = random_problem({60, 7, 1 + seed % 2, false}, random);
    const Solution got = solve_integer_program(problem);
    const double bound = solve_relaxation(problem).bound;
    const double over =
        problem.sense == Sense::Maximize ? got.objective - bound : bound - got.objective;
    EXPECT_LE(over, objective_slack(bound)) << "seed " << seed;
    EXPECT_TRUE(fits(problem, got.costs)) << "seed " << seed;
    EXPECT_EQ(got.status, Status::Optimal) << "seed " << seed;
  }
}

TEST(SolveIlp, NeverGetsWorseWithALargerBudget) {
  Random random(5);
  Problem problem = random_problem({30, 7, 1, false}, random);
  problem.sense = Sense::Maximize;
  std::int64_t least = problem.constraints[0].base;
  std::int64_t most = problem.constraints[0].base;
  for (const Item& item : problem.items) {
    least += item.costs[0].front();
    most += item.costs[0].back();
  }
  double before = -HUGE_VAL;
  for (int step = 0; step <= 25; ++step) {
    problem.constraints[0].limit = least + (most - least) * step / 25;
    const double objective = solve_integer_program(problem).objective;
    EXPECT_GE(objective, before - objective_slack(before)) << "step " << step;
    before = objective;
  }
}

TEST(SolveIlp, IgnoresTheOrderOfLayers) {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    Random random(6000 + seed);
    Problem problem = random_problem({25, 5, 2, false}, random);
    const double before = solve_integer_program(problem).objective;
    random.shuffle(problem.items);
    EXPECT_NEAR(solve_integer_program(problem).objective, before, objective_slack(before))
        << "seed " << seed;
  }
}

TEST(SolveIlp, FindsTheSameOptimumByLabelsAndByBranchAndBound) {
  for (std::uint64_t seed = 0; seed < 150; ++seed) {
    Random random(8000 + seed);
    const Problem problem = random_problem({40, 7, 1 + seed % 3, false}, random);
    const Solution labels = solve_integer_program(problem);
    const Solution tree = solve_integer_program(problem, kBranchAndBound);
    ASSERT_NE(labels.solver, "cbc") << "seed " << seed;
    ASSERT_NE(tree.solver, "labels") << "seed " << seed;
    ASSERT_EQ(tree.status, Status::Optimal) << "seed " << seed;
    ASSERT_NEAR(labels.objective, tree.objective, objective_slack(tree.objective))
        << "seed " << seed;
  }
}

TEST(SolveIlp, ProvesNetworksThatRepeatALayer) {
  // 60 layers of equal cost and nearly equal worth under a budget that no whole number of bits
  // fills: branching alone would try all their orders.
  Problem problem;
  for (int i = 0; i < 60; ++i) {
    Item item{"layer", 1, {2, 3, 4, 5, 6, 7, 8}, {}, {{}}};
    for (const int width : item.widths) {
      item.values.push_back((1 + 0.001 * (i * 17 % 60)) * width);
      item.costs[0].push_back(std::int64_t{116000000} * width);
    }
    problem.items.push_back(item);
  }
  problem.constraints.push_back({Quantity::Bops, 116000000LL * 211 + 58000000, 0, 0});
  const Solution got = solve_integer_program(problem);
  EXPECT_EQ(got.status, Status::Optimal);
  // 91 bits above the least: 6 each for the 15 worthiest layers, the last one for the next.
  double expected = 0;
  for (int rank = 0; rank < 60; ++rank) {
    const double worth = 1 + 0.001 * (59 - rank);
    expected += worth * (rank < 15 ? 8 : rank == 15 ? 3 : 2);
  }
  EXPECT_NEAR(got.objective, expected, objective_slack(expected));
}

TEST(SolveIlp, GivesTheSameChoiceEveryTime) {
  Random random(7);
  const Problem problem = random_problem({80, 7, 1, true}, random);
  const Solution first = solve_integer_program(problem);
  for (int repeat = 0; repeat < 3; ++repeat) {
    EXPECT_EQ(solve_integer_program(problem).choice, first.choice);
  }
}

TEST(SolveIlp, TakesTheBestWidthsUnderABudgetThatDoesNotBind) {
  Random random(8);
  Problem problem = random_problem({10, 5, 2, false}, random);
  for (Constraint& constraint : problem.constraints) constraint.limit *= 100;
  const Solution got = solve_integer_program(problem);
  EXPECT_EQ(got.choice, std::vector<std::size_t>(10, 4));
}

TEST(SolveIlp, TakesTheOnlyChoiceUnderTheLeastBudget) {
  Random random(9);
  Problem problem = random_problem({10, 5, 1, false}, random);
  problem.constraints[0].limit = costs_of(problem, std::vector<std::size_t>(10, 0)).front();
  EXPECT_EQ(solve_integer_program(problem).choice, std::vector<std::size_t>(10, 0));
}

TEST(SolveIlp, ReturnsAFeasibleChoiceAndItsGapWhenTimeIsUp) {
  Random random(10);
  const Problem problem = random_problem({120, 7, 3, false}, random);
  const Solution got = solve_integer_program(problem, {.time_limit_seconds = 0, .max_labels = 0});
  EXPECT_TRUE(fits(problem, got.costs));
  const Solution proven = solve_integer_program(problem);
  ASSERT_EQ(proven.status, Status::Optimal);
  ASSERT_EQ(got.status, Status::TimeLimit);
  const double sign = problem.sense == Sense::Maximize ? 1 : -1;
  const double slack = objective_slack(got.bound);
  EXPECT_LE(sign * got.objective, sign * proven.objective + slack);
  EXPECT_LE(sign * proven.objective, sign * got.bound + slack) << "the bound holds";
  EXPECT_NEAR(got.gap * std::abs(got.objective), std::abs(got.bound - got.objective), slack);
}

TEST(SolveIlp, PrintsNothing) {
  ::testing::internal::CaptureStdout();
  ::testing::internal::CaptureStderr();
  for (std::uint64_t seed = 0; seed < 5; ++seed) {
    Random random(11 + seed);
    (void)solve_integer_program(random_problem({40, 7, 2, false}, random), kBranchAndBound);
  }
  std::fflush(nullptr);
  EXPECT_EQ(::testing::internal::GetCapturedStdout(), "");
  EXPECT_EQ(::testing::internal::GetCapturedStderr(), "");
}

Problem eleven_layers() {
  Problem problem;
  for (int i = 0; i < 11; ++i) {
    Item item{"layer", 1, {2, 3, 4}, {0, 1, 2}, {{}}};
    for (const int width : item.widths) item.costs[0].push_back(width * 2127739);
    problem.items.push_back(item);
  }
  return problem;
}

TEST(SolveIlp, SaysWhenBudgetsExcludeEachOther) {
  Problem problem;
  problem.constraints = {{Quantity::SizeBits, 10, 0, 0}, {Quantity::Bops, 10, 0, 0}};
  problem.items.push_back({"a", 1, {2, 3}, {1, 2}, {{5, 50}, {50, 5}}});
  try {
    (void)solve_integer_program(problem);
    FAIL() << "no width holds both budgets";
  } catch (const InfeasibleBudget& error) {
    EXPECT_THAT(error.what(), ::testing::HasSubstr("meets all budgets"));
  }
}

TEST(SolveIlp, RefusesProblemsThatAreNone) {
  Problem problem = eleven_layers();
  problem.constraints.push_back({Quantity::SizeBits, 100000000, 0, 0});
  problem.items[3].values[1] = std::nan("");
  EXPECT_THROW((void)solve_integer_program(problem), DataError);
  problem.items[3].values = {0, 1};
  EXPECT_THROW((void)solve_integer_program(problem), ConfigError);
  problem.items[3].values = {0, 1, 2};
  problem.items[3].widths = {2, 4, 3};
  EXPECT_THROW((void)solve_integer_program(problem), ConfigError);
  problem.items[3].widths = {2, 3, 4};
  problem.items[3].costs[0][0] = -1;
  EXPECT_THROW((void)solve_integer_program(problem), ConfigError);
}
}  // namespace
}  // namespace ompq::allocation
