#include "ompq/allocation/decision_walk.h"

#include <cstddef>
#include <cstdint>
#include <vector>

#include <gtest/gtest.h>

#include "allocation/random_requests.h"
#include "allocation/six_layers.h"
#include "ompq/core/random.h"

namespace ompq::allocation {
namespace {

constexpr testing::RequestRecipe kEverything{
    .layers = 5, .budgets = 4, .own_lists = true, .ties = true, .activations = true, .pairs = true};

/// The model of a random request with its couplings, of costs and of values.
struct WalkCase {
  explicit WalkCase(std::uint64_t seed) : random(seed) {
    request = testing::random_request(kEverything, random);
    model = make_model(request);
    set_losses(model, request);
    couplings = pair_couplings(model, request);
  }

  DecisionChoice any_choice() {
    DecisionChoice choice;
    for (const Decision& decision : model.decisions) {
      choice.push_back(random.below(decision.widths.size()));
    }
    return choice;
  }

  Random random;
  AllocationRequest request;
  DecisionModel model;
  std::vector<Coupling> couplings;
};

TEST(DecisionWalk, KeepsCostsAndValueThroughChanges) {
  for (std::uint64_t seed = 0; seed < 30; ++seed) {
    WalkCase one(seed);
    if (one.model.decisions.empty()) continue;
    DecisionWalk walk(one.model, one.couplings, one.any_choice());
    for (int step = 0; step < 40; ++step) {
      const std::size_t decision = one.random.below(one.model.decisions.size());
      const std::size_t width = one.random.below(one.model.decisions[decision].widths.size());
      const double before = walk.value();
      const double gain = walk.gain(decision, width);
      walk.change(decision, width);
      ASSERT_EQ(walk.choice()[decision], width);
      ASSERT_EQ(walk.costs(), costs_of(one.model, walk.choice())) << "seed " << seed;
      ASSERT_NEAR(walk.value(), before + gain, slack(before)) << "seed " << seed;
      const Allocation made = make_allocation(one.request, one.model, walk.choice(), {});
      const double loss =
          testing::loss_of(one.request, made.weight_bits, made.tensor_bits, /*with_pairs=*/true);
      ASSERT_NEAR(walk.value(), loss, slack(loss)) << "seed " << seed;
      ASSERT_EQ(walk.fits(), testing::holds(one.request, made.cost)) << "seed " << seed;
      ASSERT_EQ(walk.fits(), walk.excess() == 0) << "seed " << seed;
    }
  }
}

TEST(DecisionWalk, AddsUpTheExcessOverEachLimitRelativeToIt) {
  DecisionModel model;
  model.constraints = {{Quantity::SizeBits, 10, 0, 0}, {Quantity::Bops, 100, 50, 0}};
  model.decisions.push_back(
      {.name = "a", .widths = {2, 4}, .values = {1, 0}, .costs = {{5, 15}, {20, 90}}});
  DecisionWalk walk(model, {}, {0});
  EXPECT_EQ(walk.costs(), (std::vector<std::int64_t>{5, 70}));
  EXPECT_TRUE(walk.fits());
  EXPECT_EQ(walk.excess(), 0);
  EXPECT_EQ(walk.gain(0, 1), -1);
  walk.change(0, 1);
  EXPECT_FALSE(walk.fits());
  EXPECT_DOUBLE_EQ(walk.excess(), 5.0 / 10 + 40.0 / 100);
}

}  // namespace
}  // namespace ompq::allocation
