#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>

#include <gtest/gtest.h>

#include "allocation/random_requests.h"
#include "ompq/allocation/allocators.h"
#include "ompq/allocation/pairwise.h"
#include "ompq/core/error.h"

namespace ompq::allocation {

/// Layers of 800, 1600, ... weights and losses that fall by 4 a bit; 4 bits on average.
inline AllocationRequest six_layers() {
  AllocationRequest request;
  for (int l = 0; l < 6; ++l) {
    LayerCost layer;
    layer.name = "conv" + std::to_string(l);
    layer.weight_count = 800 * (l + 1);
    layer.out_channels = 8;
    layer.macs = 10000;
    request.layers.push_back(layer);
    auto& row = request.loss.emplace_back();
    for (const int width : request.candidates) row.push_back((l + 1) * std::pow(0.25, width));
  }
  request.budget.average_bits = 4;
  return request;
}

template <typename Kind, typename Do>
std::string message_of(Do what) {
  try {
    what();
  } catch (const Kind& error) {
    return error.what();
  }
  return "nothing was thrown";
}

/// Adding up doubles in another order differs by no more than this.
inline double slack(double value) { return 1e-9 * std::max(std::abs(value), 1.0); }

/// Held against every choice there is.
inline void expect_min(const testing::RequestRecipe& recipe,
                       std::uint64_t first_seed,
                       int instances) {
  int feasible = 0;
  for (std::uint64_t seed = first_seed; seed < first_seed + static_cast<std::uint64_t>(instances);
       ++seed) {
    Random random(seed);
    const AllocationRequest request = testing::random_request(recipe, random);
    const auto expected = testing::min_loss(request, recipe.pairs);
    try {
      const Allocation got =
          recipe.pairs ? solve_pairwise(request) : allocator("integer").allocate(request);
      ASSERT_TRUE(expected) << "seed " << seed << ": something fits where nothing should";
      ASSERT_TRUE(testing::holds(request, got.cost)) << "seed " << seed;
      const double loss = testing::loss_of(request, got.weight_bits, got.tensor_bits, recipe.pairs);
      ASSERT_NEAR(loss, *expected, slack(*expected)) << "seed " << seed;
      ASSERT_EQ(got.solution.status, Status::Optimal) << "seed " << seed;
      ASSERT_EQ(got.activation_bits, testing::activation_bits_of(request, got.tensor_bits));
      ++feasible;
    } catch (const InfeasibleBudget& error) {
      ASSERT_FALSE(expected) << "seed " << seed << ": " << error.what();
    }
  }
  EXPECT_GT(feasible, instances / 3) << "most instances must say something";
}

}  // namespace ompq::allocation
