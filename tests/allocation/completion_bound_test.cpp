#include "ompq/allocation/completion_bound.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "allocation/random_problems.h"
#include "ompq/core/random.h"

namespace ompq::allocation {
namespace {

using ::testing::ElementsAre;

/// One item under one row; costs and gaps of its columns.
CompletionBound bound_of(const std::vector<Column>& columns, double price) {
  MultipleChoice problem;
  problem.items = {columns};
  problem.capacity = {100};
  problem.prices = {price};
  return {problem, {0}};
}

TEST(CompletionBound, PricesWhatAStepUpUses) {
  const std::vector<Column> columns{{0, 0, 0, {4}}, {1, 0, 2, {10}}};
  const CompletionBound bound = bound_of(columns, 0.5);
  EXPECT_THAT(bound.preferred(), ElementsAre(0));
  EXPECT_THAT(bound.preferred_costs(0), ElementsAre(4));
  EXPECT_THAT(bound.preferred_costs(1), ElementsAre(0));
  EXPECT_EQ(bound.min_loss(0, 0, 0), 0);
  EXPECT_DOUBLE_EQ(bound.min_loss(0, 0, 6), 2) << "the step costs less than 6 unspent units";
  EXPECT_DOUBLE_EQ(bound.min_loss(0, 0, 3), 1) << "half of it";
  EXPECT_DOUBLE_EQ(bound.min_loss(0, 0, 8), 2 + 0.5 * 2);
  EXPECT_DOUBLE_EQ(bound_of(columns, 0.2).min_loss(0, 0, 6), 0.2 * 6) << "the step costs more";
}

TEST(CompletionBound, PricesWhatAStepDownFrees) {
  const std::vector<Column> columns{{0, 0, 3, {1}}, {1, 0, 0, {4}}};
  const CompletionBound bound = bound_of(columns, 0.5);
  EXPECT_THAT(bound.preferred(), ElementsAre(1));
  EXPECT_DOUBLE_EQ(bound.min_loss(0, 0, -1), 1);
  EXPECT_DOUBLE_EQ(bound.min_loss(0, 0, -3), 3);
  EXPECT_TRUE(std::isinf(bound.min_loss(0, 0, -4))) << "nothing fits";
}

TEST(CompletionBound, AfterTheLastItemIsThePriceOfTheRest) {
  const CompletionBound bound = bound_of({{0, 0, 0, {4}}}, 0.5);
  EXPECT_DOUBLE_EQ(bound.min_loss(1, 0, 6), 3);
  EXPECT_TRUE(std::isinf(bound.min_loss(1, 0, -1)));
}

TEST(CompletionBound, IsNeverAboveACompletionThatFits) {
  int close = 0;
  int checked = 0;
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    const MultipleChoice problem = testing::random_multiple_choice(seed, 1 + seed % 3);
    Random random(seed + 1000);
    std::vector<std::size_t> order(problem.items.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    random.shuffle(order);
    const CompletionBound bound(problem, order);
    const std::size_t position = random.below(order.size());
    for (std::size_t k = 0; k < problem.capacity.size(); ++k) {
      // As if the items before had used a random part of the capacity.
      const auto used =
          static_cast<std::int64_t>(random.uniform() * static_cast<double>(problem.capacity[k]));
      const std::int64_t capacity = problem.capacity[k] - used;
      const double least =
          bound.min_loss(position, k, capacity - bound.preferred_costs(position)[k]);
      double exact = HUGE_VAL;
      testing::for_each_choice(problem, [&](const MultipleChoice::Choice& choice) {
        double loss = 0;
        std::int64_t left = capacity;
        for (std::size_t p = position; p < order.size(); ++p) {
          const Column& column = problem.items[order[p]][choice[order[p]]];
          loss += column.gap;
          left -= column.costs[k];
        }
        if (left < 0) return;
        exact = std::min(exact, loss + problem.prices[k] * static_cast<double>(left));
      });
      ASSERT_LE(least, exact * (1 + 1e-9) + 1e-18) << "seed " << seed << " row " << k;
      if (std::isinf(exact)) continue;
      ++checked;
      if (least > 0.5 * exact - 1e-18) ++close;
    }
  }
  EXPECT_GT(checked, 40);
  EXPECT_GT(close, checked / 2) << "a bound that says little prunes nothing";
}

}  // namespace
}  // namespace ompq::allocation
