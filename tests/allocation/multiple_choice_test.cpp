#include "ompq/allocation/multiple_choice.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "allocation/random_problems.h"
#include "ompq/core/random.h"

namespace ompq::allocation {
namespace {

using Choice = MultipleChoice::Choice;
using testing::best_choice;
using ::testing::ElementsAre;
using testing::for_each_choice;
using testing::objective_slack;
using testing::random_multiple_choice;

/// Two items under one row of capacity 10.
MultipleChoice two_items() {
  MultipleChoice problem;
  problem.items = {{{0, 3, 0, {4}}, {2, 5, 0, {10}}}, {{1, 1, 0, {2}}, {3, 4, 0, {6}}}};
  problem.capacity = {10};
  problem.prices = {0.5};
  return problem;
}

TEST(MultipleChoice, AddsUpValuesAndCosts) {
  const MultipleChoice problem = two_items();
  EXPECT_EQ(problem.value_of({0, 1}), 7);
  EXPECT_TRUE(problem.fits({0, 1})) << "4 + 6 = 10";
  EXPECT_FALSE(problem.fits({1, 0}));
  EXPECT_THAT(problem.widths_of({1, 0}), ElementsAre(2, 1));
}

TEST(PriceColumns, SetsTheBoundAndTheGaps) {
  MultipleChoice problem = two_items();
  price_columns(problem);
  EXPECT_EQ(problem.bound, 0.5 * 10 + (3 - 2) + (4 - 3));
  EXPECT_EQ(problem.items[0][0].gap, 0);
  EXPECT_EQ(problem.items[0][1].gap, 1);
  EXPECT_EQ(problem.items[1][0].gap, 1);
  EXPECT_EQ(problem.items[1][1].gap, 0);
}

TEST(MakeMultipleChoice, KeepsAnOptimum) {
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    Random random(seed);
    const Problem problem = testing::random_problem(
        {1 + random.below(6), 2 + random.below(3), 1 + seed % 3, seed % 4 == 0}, random);
    const double best = testing::best_objective(problem);
    const MultipleChoice made = make_multiple_choice(problem);
    const auto choice = best_choice(made);
    ASSERT_TRUE(choice) << "seed " << seed;
    const double sign = problem.sense == Sense::Maximize ? 1 : -1;
    EXPECT_NEAR(sign * made.value_of(*choice), best, objective_slack(best)) << "seed " << seed;
    const Choice options = made.widths_of(*choice);
    EXPECT_NEAR(objective_of(problem, options), best, objective_slack(best)) << "seed " << seed;
    EXPECT_TRUE(fits(problem, costs_of(problem, options))) << "seed " << seed;
  }
}

TEST(MakeMultipleChoice, DropsRowsThatCannotBeActiveAndDominatedColumns) {
  Problem problem;
  problem.constraints = {{Quantity::SizeBits, 100, 10, 0}, {Quantity::Bops, 50, 0, 0}};
  problem.items.push_back({"a", 1, {2, 3, 4, 5}, {1, 0.5, 3, 3}, {{1, 1, 1, 1}, {10, 20, 30, 40}}});
  problem.items.push_back({"b", 1, {2, 3}, {1, 2}, {{1, 2}, {10, 30}}});
  const MultipleChoice made = make_multiple_choice(problem);
  EXPECT_THAT(made.capacity, ElementsAre(50)) << "10 + 1 + 2 is far below 100";
  ASSERT_EQ(made.items[0].size(), 2U);
  EXPECT_EQ(made.items[0][0].width, 0U);
  EXPECT_EQ(made.items[0][1].width, 2U) << "3 bits are worth less, 5 bits not more";
  EXPECT_EQ(made.items[1].size(), 2U);
}

TEST(Gaps, AreWhatEachColumnTakesFromTheBound) {
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    const MultipleChoice problem = random_multiple_choice(seed, 1 + seed % 3);
    for (const auto& columns : problem.items) {
      double least = HUGE_VAL;
      for (const Column& column : columns) least = std::min(least, column.gap);
      ASSERT_EQ(least, 0) << "seed " << seed;
    }
    for_each_choice(problem, [&](const Choice& choice) {
      if (!problem.fits(choice)) return;
      double left = problem.bound;
      for (std::size_t i = 0; i < choice.size(); ++i) left -= problem.items[i][choice[i]].gap;
      ASSERT_LE(problem.value_of(choice), left + objective_slack(problem.bound)) << "seed " << seed;
    });
  }
}

/// Whether no change of one column fits and gains more than rounding.
bool is_locally_best(const MultipleChoice& problem, Choice choice) {
  const double value = problem.value_of(choice);
  for (std::size_t i = 0; i < choice.size(); ++i) {
    const std::size_t before = choice[i];
    for (choice[i] = 0; choice[i] < problem.items[i].size(); ++choice[i]) {
      const double slack = objective_slack(value);
      if (problem.fits(choice) && problem.value_of(choice) > value + slack) return false;
    }
    choice[i] = before;
  }
  return true;
}

TEST(QuickAndGoodChoices, FitAndNoSingleChangeImprovesThem) {
  int optimal = 0;
  int found = 0;
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    const MultipleChoice problem = random_multiple_choice(seed, 1 + seed % 3);
    const double best = problem.value_of(*best_choice(problem));
    for (const auto& choice : {find_quick_choice(problem), find_good_choice(problem)}) {
      ASSERT_TRUE(choice || problem.capacity.size() > 1) << "seed " << seed;
      if (!choice) continue;
      ++found;
      ASSERT_TRUE(problem.fits(*choice)) << "seed " << seed;
      ASSERT_LE(problem.value_of(*choice), best + objective_slack(best)) << "seed " << seed;
      ASSERT_TRUE(is_locally_best(problem, *choice)) << "seed " << seed;
      if (problem.value_of(*choice) > best - objective_slack(best)) ++optimal;
    }
  }
  EXPECT_GT(found, 150);
  EXPECT_GT(optimal, found / 2) << "so small problems are mostly solved";
}

TEST(FixColumns, KeepsEveryBetterChoiceAndTheGivenOne) {
  std::size_t removed = 0;
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    const MultipleChoice before = random_multiple_choice(seed, 1 + seed % 2);
    const auto start = find_quick_choice(before);
    if (!start) continue;
    const double value = before.value_of(*start);
    MultipleChoice after = before;
    Choice keep = *start;
    fix_columns(after, value, keep);
    ASSERT_EQ(after.widths_of(keep), before.widths_of(*start)) << "seed " << seed;
    const double best = before.value_of(*best_choice(before));
    ASSERT_EQ(after.value_of(*best_choice(after)), best) << "seed " << seed;
    for (std::size_t i = 0; i < after.items.size(); ++i) {
      removed += before.items[i].size() - after.items[i].size();
    }
  }
  EXPECT_GT(removed, 50U);
}

}  // namespace
}  // namespace ompq::allocation
