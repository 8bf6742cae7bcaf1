#include "ompq/allocation/projection.h"

#include <cmath>
#include <cstdint>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "allocation/random_problems.h"
#include "ompq/core/error.h"

namespace ompq::allocation {
namespace {

using ::testing::HasSubstr;
using testing::linear_cost;
using testing::random_program;
using ::testing::ThrowsMessage;

ContinuousProgram two_widths(double limit) {
  return {.coefficients = {1, 1},
          .lower = {2, 2},
          .upper = {8, 8},
          .slopes = {{1, 3}},
          .limits = {limit}};
}

TEST(Projection, MovesWidthsByMultiplesOfTheirSlopes) {
  // 8 - 1.2 and 8 - 3 x 1.2 cost 6.8 + 3 x 4.4 = 20.
  const std::vector<double> got = project_onto_budget(two_widths(20));
  EXPECT_NEAR(got[0], 6.8, 1e-12);
  EXPECT_NEAR(got[1], 4.4, 1e-12);
}

TEST(Projection, StopsAtTheLowerBounds) {
  const std::vector<double> got = project_onto_budget(two_widths(9));
  EXPECT_NEAR(got[0], 3, 1e-12);
  EXPECT_EQ(got[1], 2);
  EXPECT_EQ(project_onto_budget(two_widths(8)), (std::vector<double>{2, 2}));
}

TEST(Projection, IsTheNearestPointToTheUpperBounds) {
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    const ContinuousProgram program = random_program(seed);
    const std::vector<double> got = project_onto_budget(program);
    ASSERT_NEAR(linear_cost(program, got), program.limits[0], 1e-9 * program.limits[0])
        << "seed " << seed;
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
  program.limits[0] = 2 * linear_cost(program, program.upper);
  EXPECT_EQ(project_onto_budget(program), program.upper);
}

TEST(Projection, RefusesABudgetBelowTheLowerBoundsAndMoreThanOne) {
  EXPECT_THAT([] { (void)project_onto_budget(two_widths(7)); },
              ThrowsMessage<InfeasibleBudget>(
                  HasSubstr("the smallest widths cost 8, but only 7 are left for them")));
  ContinuousProgram two = two_widths(20);
  two.slopes.push_back({1, 1});
  two.limits.push_back(10);
  EXPECT_THAT([&] { (void)project_onto_budget(two); },
              ThrowsMessage<ConfigError>(HasSubstr("supports one budget, not 2")));
}
}  // namespace
}  // namespace ompq::allocation
