#include "ompq/allocation/pairwise.h"

#include <cstdint>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "allocation/random_requests.h"
#include "allocation/six_layers.h"
#include "ompq/allocation/allocators.h"
#include "ompq/core/error.h"

namespace ompq::allocation {
namespace {

using ::testing::HasSubstr;

TEST(Pairwise, EqualsBruteForce) {
  for (int budgets = 1; budgets <= 3; ++budgets) {
    SCOPED_TRACE(budgets);
    expect_min(
        {.layers = 5, .budgets = budgets, .own_lists = true, .ties = true, .pairs = true}, 900, 50);
    expect_min({.layers = 4, .budgets = budgets, .activations = true, .pairs = true}, 950, 40);
  }
}

TEST(Pairwise, BoundsTheOptimumWhereBlocksAreTooLargeToJoin) {
  int searched = 0;
  for (std::uint64_t seed = 1000; seed < 1060; ++seed) {
    Random random(seed);
    const AllocationRequest request =
        testing::random_request({.layers = 6, .budgets = 2, .pairs = true}, random);
    const auto expected = testing::min_loss(request, true);
    if (!expected) continue;
    const Allocation got = solve_pairwise(request, 9);  // two layers of three widths
    EXPECT_TRUE(testing::holds(request, got.cost)) << "seed " << seed;
    const double loss = testing::loss_of(request, got.weight_bits, got.tensor_bits, true);
    EXPECT_NEAR(got.solution.objective, loss, slack(loss)) << "seed " << seed;
    EXPECT_GE(loss, *expected - slack(*expected)) << "seed " << seed;
    EXPECT_LE(got.solution.bound, *expected + slack(*expected)) << "seed " << seed;
    if (got.solution.status == Status::Optimal) {
      EXPECT_NEAR(loss, *expected, slack(loss));
    }
    searched += got.solution.solver == "pairwise-search" ? 1 : 0;
  }
  EXPECT_GT(searched, 30);
}

TEST(Pairwise, IsTheIntegerProgramWithoutPairs) {
  const AllocationRequest request = six_layers();
  EXPECT_EQ(solve_pairwise(request).weight_bits,
            allocator("integer").allocate(request).weight_bits);
}

TEST(Pairwise, RefusesPairsThatAreNone) {
  AllocationRequest request = six_layers();
  request.pairs = {{0, 6, {}}};
  EXPECT_THROW((void)solve_pairwise(request), ConfigError);
  request.pairs = {{2, 2, {}}};
  EXPECT_THROW((void)solve_pairwise(request), ConfigError);
  request.pairs = {{0, 1, {{1.0}}}};
  EXPECT_THAT(message_of<ConfigError>([&] { (void)solve_pairwise(request); }),
              HasSubstr("the pair loss of 'conv0' and 'conv1' must have 7 rows of 7 values"));
}

}  // namespace
}  // namespace ompq::allocation
