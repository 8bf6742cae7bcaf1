#include "ompq/allocation/cost_model.h"

#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "allocation/six_layers.h"

namespace ompq::allocation {
namespace {

TEST(CostModel, CountsFloatLayersAsFourBytesAndNotInTheAverage) {
  AllocationRequest request = six_layers();
  const std::vector<int> weights{kFloatBits, 4, 4, 4, 4, 4};
  const std::vector<int> activations{kFloatBits, 8, 8, 8, 8, 8};
  const Cost cost = cost_of_widths(request, weights, activations, {});
  EXPECT_DOUBLE_EQ(cost.average_bits, 4);
  EXPECT_EQ(cost.weight_bytes, 4 * 800 + (2 + 3 + 4 + 5 + 6) * 400);
  EXPECT_EQ(cost.bytes, cost.weight_bytes + 5 * 8) << "no scales for floats";
  EXPECT_EQ(cost.bops, 10000 * (32 * 32 + 5 * 4 * 8));
}

}  // namespace
}  // namespace ompq::allocation
