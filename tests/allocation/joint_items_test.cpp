#include "ompq/allocation/joint_items.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "allocation/random_problems.h"
#include "allocation/random_requests.h"
#include "allocation/six_layers.h"
#include "ompq/allocation/decision_walk.h"
#include "ompq/core/error.h"
#include "ompq/core/random.h"

namespace ompq::allocation {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

/// Calls `visit` with every index below `sizes`.
void for_each_index(const std::vector<std::size_t>& sizes,
                    const std::function<void(const std::vector<std::size_t>&)>& visit) {
  std::vector<std::size_t> at(sizes.size(), 0);
  while (true) {
    visit(at);
    std::size_t i = 0;
    while (i < at.size() && ++at[i] == sizes[i]) at[i++] = 0;
    if (i == at.size()) return;
  }
}

/// Decisions "a" (3 widths), "b" (2), "c" (2); values fall with the width, b and c are coupled.
DecisionModel three_decisions() {
  DecisionModel model;
  model.constraints = {{Quantity::SizeBits, 100, 7, 0}};
  model.decisions.push_back(
      {.name = "a", .widths = {2, 3, 4}, .values = {9, 4, 1}, .costs = {{20, 30, 40}}});
  model.decisions.push_back({.name = "b", .widths = {2, 8}, .values = {5, 1}, .costs = {{10, 40}}});
  model.decisions.push_back({.name = "c",
                             .kind = Decision::Kind::Activation,
                             .widths = {4, 8},
                             .values = {3, 1},
                             .costs = {{0, 0}}});
  model.couplings.push_back({.first = 1, .second = 2, .costs = {{1, 2, 4, 8}}, .values = {}});
  return model;
}

TEST(JoinItems, KeepsADecisionWithoutCouplingsAsItIs) {
  const JointProblem joint = join_items(three_decisions(), {}, Sense::Minimize);
  ASSERT_EQ(joint.problem.items.size(), 2U);
  EXPECT_THAT(joint.decisions[0], ElementsAre(0));
  EXPECT_THAT(joint.options[0], IsEmpty());
  EXPECT_THAT(joint.problem.items[0].widths, ElementsAre(2, 3, 4));
  EXPECT_THAT(joint.problem.items[0].costs[0], ElementsAre(20, 30, 40));
  EXPECT_EQ(joint.problem.constraints[0].base, 7);
}

TEST(JoinItems, MakesOneItemOfCoupledDecisions) {
  const JointProblem joint = join_items(three_decisions(), {}, Sense::Minimize);
  EXPECT_THAT(joint.decisions[1], ElementsAre(1, 2));
  const Item& item = joint.problem.items[1];
  EXPECT_EQ(item.name, "b");
  EXPECT_EQ(item.layers, 1U) << "activations are no layers";
  EXPECT_THAT(item.widths, IsEmpty());
  // (b, c): value and cost of (2, 4): 8, 11; (2, 8): 6, 12; (8, 4): 4, 44; (8, 8): 2, 48.
  ASSERT_EQ(item.options(), 4U);
  for (std::size_t option = 0; option < 4; ++option) {
    const DecisionChoice choice = joint.decisions_of(std::vector<std::size_t>{2, option});
    EXPECT_EQ(choice[0], 2U);
    const double value = choice[1] == 0 ? 5 : 1;
    EXPECT_EQ(item.values[option], value + (choice[2] == 0 ? 3 : 1));
    const std::int64_t coupled[] = {1, 2, 4, 8};
    EXPECT_EQ(item.costs[0][option],
              (choice[1] == 0 ? 10 : 40) + coupled[2 * choice[1] + choice[2]]);
  }
}

TEST(JoinItems, DropsDominatedOptions) {
  DecisionModel model = three_decisions();
  model.decisions[2].values = {1, 3};  // the wider activation is worse and costs more
  const JointProblem joint = join_items(model, {}, Sense::Minimize);
  ASSERT_EQ(joint.problem.items[1].options(), 2U);
  for (std::size_t option = 0; option < 2; ++option) {
    EXPECT_EQ(joint.decisions_of(std::vector<std::size_t>{0, option})[2], 0U);
  }
  // Of values to be maximized, the wider weight is the worse one.
  const JointProblem most = join_items(model, {}, Sense::Maximize);
  ASSERT_EQ(most.problem.items[1].options(), 2U);
  for (std::size_t option = 0; option < 2; ++option) {
    EXPECT_EQ(most.decisions_of(std::vector<std::size_t>{0, option})[1], 0U);
  }
}

TEST(JoinItems, KeepsAWorseWidthThatACouplingMayStillReward) {
  DecisionModel model;
  model.constraints = {{Quantity::SizeBits, 100, 0, 0}};
  for (const char* name : {"a", "b", "c"}) {
    model.decisions.push_back(
        {.name = name, .widths = {2, 3}, .values = {0, 1}, .costs = {{10, 11}}});
  }
  // By itself the wider one is worse and costs more; all three together are best.
  const std::vector<Coupling> couplings{
      {.first = 0, .second = 1, .costs = {{}}, .values = {0, 5, 5, -5}},
      {.first = 1, .second = 2, .costs = {{}}, .values = {0, 5, 5, -5}},
      {.first = 0, .second = 2, .costs = {{}}, .values = {0, 5, 5, -5}}};
  const JointProblem joint = join_items(model, couplings, Sense::Minimize);
  ASSERT_EQ(joint.problem.items.size(), 1U);
  const std::vector<double>& values = joint.problem.items[0].values;
  const auto best = std::min_element(values.begin(), values.end());
  EXPECT_EQ(*best, 3 * 1 - 3 * 5);
  const auto option = static_cast<std::size_t>(best - values.begin());
  EXPECT_THAT(joint.decisions_of(std::vector<std::size_t>{option}), ElementsAre(1, 1, 1));
}

TEST(JoinItems, KeepsAnOptimum) {
  int feasible = 0;
  for (std::uint64_t seed = 0; seed < 25; ++seed) {
    SCOPED_TRACE(seed);
    Random random(seed);
    const AllocationRequest request = testing::random_request(
        {.layers = 4, .budgets = 3, .ties = true, .activations = true, .pairs = seed % 2 == 0},
        random);
    DecisionModel model = make_model(request);
    set_losses(model, request);
    const std::vector<Coupling> couplings = pair_couplings(model, request);
    std::vector<std::size_t> sizes;
    for (const Decision& decision : model.decisions) sizes.push_back(decision.widths.size());
    double expected = HUGE_VAL;
    for_each_index(sizes, [&](const DecisionChoice& choice) {
      const DecisionWalk walk(model, couplings, choice);
      if (walk.fits()) expected = std::min(expected, walk.value());
    });
    const JointProblem joint = join_items(model, couplings, Sense::Minimize);
    sizes.clear();
    for (const Item& item : joint.problem.items) sizes.push_back(item.options());
    double best = HUGE_VAL;
    for_each_index(sizes, [&](const std::vector<std::size_t>& options) {
      const double objective = objective_of(joint.problem, options);
      const std::vector<std::int64_t> costs = costs_of(joint.problem, options);
      const DecisionWalk walk(model, couplings, joint.decisions_of(options));
      ASSERT_EQ(costs, walk.costs());
      ASSERT_NEAR(objective, walk.value(), slack(objective));
      if (fits(joint.problem, costs)) best = std::min(best, objective);
    });
    if (std::isinf(expected)) {
      EXPECT_TRUE(std::isinf(best));
      continue;
    }
    EXPECT_NEAR(best, expected, slack(expected));
    ++feasible;
  }
  EXPECT_GT(feasible, 8);
}

TEST(JoinItems, RefusesTooManyCombinationsAndNamesTheDecisions) {
  const DecisionModel model = three_decisions();
  const Coupling other{.first = 0, .second = 1, .costs = {{}}, .values = {1, 2, 3, 4, 5, 6}};
  EXPECT_THAT(message_of<ConfigError>([&] {
                (void)join_items(model, {&other, 1}, Sense::Minimize, /*max_options=*/1);
              }),
              AllOf(HasSubstr("'a'"),
                    HasSubstr("'b'"),
                    HasSubstr("'c'"),
                    HasSubstr("must be chosen jointly, with more than 1 combinations; give them "
                              "fewer candidates")));
}

}  // namespace
}  // namespace ompq::allocation
