#include "ompq/allocation/branch_and_bound.h"

#include <cstdint>
#include <optional>

#include <gtest/gtest.h>

#include "allocation/random_problems.h"

namespace ompq::allocation {
namespace {

using testing::best_choice;
using testing::objective_slack;
using testing::random_multiple_choice;

constexpr double kLong = 60;  // seconds; each of these problems takes milliseconds

TEST(BranchAndBound, EqualsBruteForceWithoutAStart) {
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    const MultipleChoice problem = random_multiple_choice(seed, 1 + seed % 3);
    const double best = problem.value_of(*best_choice(problem));
    const BranchAndBoundResult got = branch_and_bound(problem, std::nullopt, kLong);
    ASSERT_TRUE(got.proven && got.better) << "seed " << seed;
    EXPECT_TRUE(problem.fits(*got.better)) << "seed " << seed;
    EXPECT_NEAR(problem.value_of(*got.better), best, objective_slack(best)) << "seed " << seed;
    EXPECT_EQ(got.bound, problem.value_of(*got.better)) << "seed " << seed;
  }
}

TEST(BranchAndBound, ImprovesAStartOrProvesIt) {
  int improved = 0;
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    const MultipleChoice problem = random_multiple_choice(seed, 1 + seed % 3);
    MultipleChoice::Choice start = *best_choice(problem);
    const double best = problem.value_of(start);
    const BranchAndBoundResult proof = branch_and_bound(problem, start, kLong);
    EXPECT_TRUE(proof.proven) << "seed " << seed;
    EXPECT_FALSE(proof.better) << "seed " << seed << ": nothing is better than the optimum";
    EXPECT_EQ(proof.bound, best) << "seed " << seed;
    testing::for_each_choice(problem, [&](const MultipleChoice::Choice& choice) {
      if (problem.fits(choice) && problem.value_of(choice) < problem.value_of(start))
        start = choice;
    });
    const double worst = problem.value_of(start);
    if (worst > best - objective_slack(best)) continue;  // all choices that fit are equal
    const BranchAndBoundResult got = branch_and_bound(problem, start, kLong);
    ASSERT_TRUE(got.proven && got.better) << "seed " << seed;
    EXPECT_NEAR(problem.value_of(*got.better), best, objective_slack(best)) << "seed " << seed;
    ++improved;
  }
  EXPECT_GT(improved, 30);
}

TEST(BranchAndBound, ReturnsItsBoundWhenTimeIsUp) {
  const MultipleChoice problem = random_multiple_choice(4, 1);
  const BranchAndBoundResult got = branch_and_bound(problem, std::nullopt, 0);
  EXPECT_FALSE(got.proven);
  EXPECT_FALSE(got.better);
  EXPECT_EQ(got.bound, problem.bound);
}

TEST(BranchAndBound, ChecksCostsExactly) {
  // Both second columns together exceed the capacity by one unit, which float64 cannot tell apart.
  constexpr std::int64_t kHalf = 2'000'000'000'000'000'000;
  MultipleChoice problem;
  for (int item = 0; item < 2; ++item) {
    problem.items.push_back({{0, 1, 0, {1}}, {1, 2, 0, {kHalf}}});
  }
  problem.capacity = {2 * kHalf - 1};
  problem.prices = {0};
  price_columns(problem);
  const BranchAndBoundResult got = branch_and_bound(problem, std::nullopt, kLong);
  ASSERT_TRUE(got.better);
  EXPECT_TRUE(problem.fits(*got.better));
  EXPECT_EQ(problem.value_of(*got.better), 3);
}

}  // namespace
}  // namespace ompq::allocation
