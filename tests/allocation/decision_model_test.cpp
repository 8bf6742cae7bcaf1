#include "ompq/allocation/decision_model.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
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

TEST(Integer, EqualsBruteForceUnderOneToFourBudgets) {
  for (int budgets = 1; budgets <= 4; ++budgets) {
    SCOPED_TRACE(budgets);
    expect_min({.layers = 6, .budgets = budgets, .ties = true}, 100, 60);
  }
}

TEST(Integer, EqualsBruteForceWithCandidatesOfSingleLayers) {
  for (int budgets = 1; budgets <= 3; ++budgets) {
    SCOPED_TRACE(budgets);
    expect_min({.layers = 6, .budgets = budgets, .own_lists = true, .ties = true}, 300, 60);
  }
}

TEST(Integer, EqualsBruteForceWithActivationWidths) {
  for (int budgets = 1; budgets <= 4; ++budgets) {
    SCOPED_TRACE(budgets);
    expect_min({.layers = 5, .budgets = budgets, .ties = true, .activations = true}, 500, 60);
  }
}

TEST(Integer, EqualsBruteForceWithEverythingAtOnce) {
  expect_min(
      {.layers = 5, .budgets = 4, .own_lists = true, .ties = true, .activations = true}, 700, 80);
}

TEST(DecisionModel, CostsWhatTheCostModelSays) {
  for (std::uint64_t seed = 1100; seed < 1130; ++seed) {
    Random random(seed);
    const AllocationRequest request = testing::random_request(
        {.layers = 5, .budgets = 4, .own_lists = true, .ties = true, .activations = true}, random);
    DecisionModel model;
    try {
      model = make_model(request);
    } catch (const ConfigError&) {
      continue;
    }
    DecisionChoice choice;
    for (const Decision& decision : model.decisions) {
      choice.push_back(random.below(decision.widths.size()));
    }
    const Allocation got = make_allocation(request, model, choice, {});
    EXPECT_EQ(choice_of(model, request, got), choice);
    const auto costs = costs_of(model, choice);
    std::int64_t peak = 0;
    for (std::size_t k = 0; k < costs.size(); ++k) {
      switch (model.constraints[k].quantity) {
        case Quantity::SizeBits:
          EXPECT_EQ((costs[k] + 7) / 8, got.cost.bytes);
          break;
        case Quantity::WeightBits:
          EXPECT_NEAR(static_cast<double>(costs[k]) / static_cast<double>(std::max<std::int64_t>(
                                                          model.constraints[k].weights, 1)),
                      got.cost.average_bits,
                      1e-12 * got.cost.average_bits);
          break;
        case Quantity::Bops:
          EXPECT_EQ(costs[k], got.cost.bops);
          break;
        case Quantity::WeightBytes:
          EXPECT_EQ(costs[k], got.cost.weight_bytes);
          break;
        case Quantity::LatencyNs:
          EXPECT_DOUBLE_EQ(static_cast<double>(costs[k]) / 1e3, *got.cost.latency_us);
          break;
        case Quantity::ActivationBytes:
          peak = std::max(peak, costs[k]);
          EXPECT_LE(costs[k], *got.cost.activation_bytes);
          break;
      }
    }
    if (request.budget.activation_bytes) {
      EXPECT_EQ(peak, *got.cost.activation_bytes)
          << "the worst moment is among those that are kept";
    }
  }
}

TEST(Integer, IgnoresTheOrderOfLayers) {
  for (std::uint64_t seed = 1200; seed < 1230; ++seed) {
    Random random(seed);
    const AllocationRequest before = testing::random_request(
        {.layers = 6, .budgets = 2, .own_lists = true, .activations = true}, random);
    if (!testing::min_loss(before, false)) continue;
    std::vector<std::size_t> order(before.layers.size());
    for (std::size_t l = 0; l < order.size(); ++l) order[l] = l;
    random.shuffle(order);
    AllocationRequest after = before;
    for (std::size_t l = 0; l < order.size(); ++l) {
      after.layers[l] = before.layers[order[l]];
      after.layer_candidates[l] = before.layer_candidates[order[l]];
      after.loss[l] = before.loss[order[l]];
    }
    const Allocation one = allocator("integer").allocate(before);
    const Allocation other = allocator("integer").allocate(after);
    EXPECT_NEAR(one.solution.objective, other.solution.objective, slack(one.solution.objective));
    for (std::size_t l = 0; l < order.size(); ++l) {  // random losses: the optimum is unique
      EXPECT_EQ(other.weight_bits[l], one.weight_bits[order[l]]) << "seed " << seed;
    }
    EXPECT_EQ(other.tensor_bits, one.tensor_bits) << "seed " << seed;
  }
}

TEST(Integer, NeverGetsWorseWithMoreOfAnyBudget) {
  for (std::uint64_t seed = 1300; seed < 1310; ++seed) {
    Random random(seed);
    AllocationRequest request = testing::random_request(
        {.layers = 9, .budgets = 2, .own_lists = true, .ties = true}, random);
    double before = HUGE_VAL;
    for (int step = 0; step < 12; ++step) {
      try {
        const Allocation got = allocator("integer").allocate(request);
        EXPECT_LE(got.solution.objective, before + slack(before)) << "seed " << seed;
        EXPECT_TRUE(testing::holds(request, got.cost));
        before = got.solution.objective;
      } catch (const InfeasibleBudget&) {
        EXPECT_EQ(before, HUGE_VAL) << "seed " << seed << ": what fitted fits no more";
      }
      if (step % 2 == 0) *request.budget.bytes += *request.budget.bytes / 20;
      if (step % 2 == 1) *request.budget.bops *= 1.05;
    }
  }
}

TEST(Integer, NeedsLossesOfActivationsThatItChooses) {
  AllocationRequest request = six_layers();
  request.activations = {{"t", 100, {4, 8}}};
  request.layers[0].activation = 0;
  EXPECT_THAT(message_of<ConfigError>([&] { (void)allocator("integer").allocate(request); }),
              HasSubstr("activation widths are chosen"));
  request.activation_loss = {{2.0, 1.0}};
  EXPECT_EQ(allocator("integer").allocate(request).tensor_bits, std::vector<int>{8});
}

TEST(RandomAllocator, IsFeasibleSpendsTheBudgetAndFollowsTheSeed) {
  int different = 0;
  for (std::uint64_t seed = 1400; seed < 1430; ++seed) {
    Random random(seed);
    AllocationRequest request = testing::random_request(
        {.layers = 6, .budgets = 4, .own_lists = true, .ties = true, .activations = true}, random);
    try {
      const DecisionModel model = make_model(request);
      request.seed = 1;
      const Allocation got = allocator("random").allocate(request);
      EXPECT_TRUE(testing::holds(request, got.cost)) << "seed " << seed;
      EXPECT_EQ(allocator("random").allocate(request).weight_bits, got.weight_bits);
      const DecisionChoice choice = choice_of(model, request, got);
      for (std::size_t d = 0; d < choice.size(); ++d) {
        for (std::size_t j = choice[d] + 1; j < model.decisions[d].widths.size(); ++j) {
          DecisionChoice wider = choice;
          wider[d] = j;
          EXPECT_FALSE(fits(model, costs_of(model, wider))) << "seed " << seed << ": it has room";
        }
      }
      request.seed = 2;
      const Allocation other = allocator("random").allocate(request);
      different += other.weight_bits != got.weight_bits ? 1 : 0;
    } catch (const InfeasibleBudget&) {
    } catch (const ConfigError&) {
    }
  }
  EXPECT_GT(different, 5);
}

}  // namespace
}  // namespace ompq::allocation
