#include "ompq/allocation/neighbour_moves.h"

#include <algorithm>
#include <set>
#include <vector>

#include <gtest/gtest.h>

#include "allocation/random_requests.h"
#include "ompq/allocation/allocators.h"
#include "ompq/core/error.h"

namespace ompq::allocation {
namespace {

double move_slack(double value) { return 1e-9 * std::max(std::abs(value), 1.0); }

/// Calls `check(request, start)` for feasible random requests and a random start.
template <typename Check>
void for_requests(std::uint64_t seed, bool pairs, Check check) {
  int feasible = 0;
  for (const std::uint64_t last = seed + 30; seed < last; ++seed) {
    SCOPED_TRACE(seed);
    Random random(seed);
    AllocationRequest request = testing::random_request({.layers = 6,
                                                         .budgets = 2,
                                                         .own_lists = true,
                                                         .ties = true,
                                                         .activations = !pairs,
                                                         .pairs = pairs},
                                                        random);
    try {
      check(request, allocator("random").allocate(request));
      ++feasible;
    } catch (const InfeasibleBudget&) {
    } catch (const ConfigError&) {
    }
  }
  EXPECT_GT(feasible, 10);
}

TEST(BudgetMoves, HoldTheBudgetsAndPredictTheLoss) {
  for (const bool pairs : {false, true}) {
    for_requests(1, pairs, [](const AllocationRequest& request, const Allocation& start) {
      const double before = testing::loss_of(request, start.weight_bits, start.tensor_bits, true);
      double last = -HUGE_VAL;
      for (const Move& move : budget_moves(request, start)) {
        const Allocation after = apply_move(request, move);
        EXPECT_TRUE(testing::holds(request, after.cost));
        EXPECT_TRUE(after.solution.within_budget);
        const double loss = testing::loss_of(request, after.weight_bits, after.tensor_bits, true);
        EXPECT_NEAR(loss - before, move.loss_change, move_slack(before));
        EXPECT_GE(move.loss_change, last) << "the most promising stand first";
        last = move.loss_change;
        EXPECT_EQ(after.activation_bits, move.activation_bits);
        int up = 0;
        int down = 0;
        for (const WidthChange& change : move.changes) (change.to > change.from ? up : down) += 1;
        EXPECT_EQ(up, 1);
        EXPECT_LE(down, 2);
      }
    });
  }
}

TEST(BudgetMoves, AreAllDifferentAndTheSameEveryTime) {
  for_requests(101, false, [](const AllocationRequest& request, const Allocation& start) {
    const auto moves = budget_moves(request, start);
    std::set<std::pair<std::vector<int>, std::vector<int>>> seen;
    for (const Move& move : moves) {
      EXPECT_TRUE(seen.insert({move.weight_bits, move.tensor_bits}).second);
    }
    const auto again = budget_moves(request, start);
    ASSERT_EQ(again.size(), moves.size());
    for (std::size_t m = 0; m < moves.size(); ++m) {
      EXPECT_EQ(again[m].weight_bits, moves[m].weight_bits);
    }
    const auto few = budget_moves(request, start, {.max_moves = 3});
    EXPECT_EQ(few.size(), std::min<std::size_t>(3, moves.size()));
  });
}

TEST(BudgetMoves, DescendToWhereNothingImprovesAndNoFartherThanTheOptimum) {
  int optimal = 0;
  int runs = 0;
  for_requests(201, false, [&](const AllocationRequest& request, const Allocation& start) {
    Allocation now = start;
    for (auto moves = budget_moves(request, now); !moves.empty() && moves[0].loss_change < 0;
         moves = budget_moves(request, now)) {
      now = apply_move(request, moves[0]);
    }
    const double loss = testing::loss_of(request, now.weight_bits, now.tensor_bits, false);
    const double min = *testing::min_loss(request, false);
    EXPECT_GE(loss, min - move_slack(min));
    optimal += loss <= min + move_slack(min) ? 1 : 0;
    ++runs;
  });
  EXPECT_GT(2 * optimal, runs) << "mostly the neighbours lead to the optimum";
}

TEST(BudgetMoves, LeadBackUnderABudgetThatIsExceeded) {
  AllocationRequest request;
  request.layers.resize(3);
  for (LayerCost& layer : request.layers) layer.weight_count = 100;
  request.budget.average_bits = 4;
  Allocation start;
  start.weight_bits = {4, 4, 8};
  const auto moves = budget_moves(request, start);
  ASSERT_FALSE(moves.empty());
  for (const Move& move : moves) EXPECT_LE(apply_move(request, move).cost.average_bits, 4);
}

TEST(BudgetMoves, RefuseAWidthThatIsNoCandidate) {
  AllocationRequest request;
  request.layers.resize(2);
  for (LayerCost& layer : request.layers) layer.weight_count = 100;
  request.budget.average_bits = 4;
  Allocation start;
  start.weight_bits = {4, 1};
  EXPECT_THROW((void)budget_moves(request, start), ConfigError);
  start.weight_bits = {4};
  EXPECT_THROW((void)budget_moves(request, start), ShapeError);
}

TEST(SpendSlack, RaisesWhileBudgetsAllowAndNeverLosesMore) {
  for_requests(301, false, [](const AllocationRequest& request, const Allocation& random_start) {
    Allocation start = random_start;
    const auto weights = candidates_of(request);
    const auto tensors = activation_candidates_of(request);
    for (std::size_t l = 0; l < weights.size(); ++l) start.weight_bits[l] = weights[l].front();
    for (std::size_t t = 0; t < tensors.size(); ++t) start.tensor_bits[t] = tensors[t].front();
    const double before = testing::loss_of(request, start.weight_bits, start.tensor_bits, false);
    const Allocation spent = spend_slack(request, start);
    EXPECT_TRUE(testing::holds(request, spent.cost));
    EXPECT_LE(testing::loss_of(request, spent.weight_bits, spent.tensor_bits, false),
              before + move_slack(before));
    for (const Move& move : budget_moves(request, spent)) {
      const bool only_up = move.changes.size() == 1;
      EXPECT_FALSE(only_up && move.loss_change < 0) << "there was room left";
    }
  });
}

TEST(SpendSlack, CountsBitsWhereNothingIsMeasured) {
  AllocationRequest request;
  request.layers.resize(3);
  for (LayerCost& layer : request.layers) layer.weight_count = 100;
  request.budget.average_bits = 4;
  Allocation start;
  start.weight_bits = {2, 2, 2};
  EXPECT_DOUBLE_EQ(spend_slack(request, start).cost.average_bits, 4);
}

}  // namespace
}  // namespace ompq::allocation
