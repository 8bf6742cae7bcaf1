#include "ompq/allocation/fixed_allocation.h"

#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "allocation/six_layers.h"
#include "ompq/core/error.h"

namespace ompq::allocation {
namespace {

using ::testing::Each;
using ::testing::HasSubstr;

/// Every layer pinned, the third excluded; no losses.
AllocationRequest pinned_layers() {
  AllocationRequest request = six_layers();
  request.layer_candidates.assign(6, {3});
  request.layer_candidates[2] = {kFloatBits};
  request.layer_candidates[5] = {8};
  request.loss.clear();
  request.budget = {.average_bits = 6};
  return request;
}

TEST(FixedAllocation, IsTheOnlyOneIfNothingCanBeChosen) {
  const auto got = fixed_allocation(pinned_layers());
  ASSERT_TRUE(got);
  EXPECT_EQ(got->weight_bits, (std::vector<int>{3, 3, kFloatBits, 3, 3, 8}));
  EXPECT_EQ(got->activation_bits, (std::vector<int>{8, 8, kFloatBits, 8, 8, 8}));
  // Without the third layer's 2,400 weights: (800 + 1,600 + 3,200 + 4,000) x 3 + 4,800 x 8 bits.
  EXPECT_DOUBLE_EQ(got->cost.average_bits, (9600.0 * 3 + 4800.0 * 8) / 14400.0);
  EXPECT_EQ(got->solution.status, Status::Optimal);
  EXPECT_TRUE(got->solution.choice.empty()) << "no decision is open";
}

TEST(FixedAllocation, IsNulloptIfAWidthCanBeChosen) {
  AllocationRequest request = pinned_layers();
  request.layer_candidates[4] = {3, 4};
  EXPECT_FALSE(fixed_allocation(request));
  request = pinned_layers();
  request.activations = {{"tensor", 10, {4, 8}}};
  request.layers[1].activation = 0;
  EXPECT_FALSE(fixed_allocation(request)) << "of an activation";
  request.activations[0].candidates = {4};
  const auto got = fixed_allocation(request);
  ASSERT_TRUE(got);
  EXPECT_THAT(got->tensor_bits, Each(4));
  EXPECT_EQ(got->activation_bits[1], 4);
}

TEST(FixedAllocation, MustHoldTheBudget) {
  AllocationRequest request = pinned_layers();
  request.budget = {.average_bits = 4};
  EXPECT_THAT(message_of<InfeasibleBudget>([&] { (void)fixed_allocation(request); }),
              HasSubstr("nothing is left to decide"));
}

}  // namespace
}  // namespace ompq::allocation
