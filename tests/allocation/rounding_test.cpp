#include "ompq/allocation/rounding.h"

#include <cmath>
#include <vector>

#include <gtest/gtest.h>

#include "ompq/core/error.h"
#include "ompq/core/random.h"

namespace ompq::allocation {
namespace {

Problem problem_of(const std::vector<std::int64_t>& params,
                   std::vector<int> candidates,
                   std::int64_t limit) {
  Problem problem;
  problem.constraints.push_back({Quantity::SizeBits, limit, 0, 0});
  for (const std::int64_t p : params) {
    Item item{"layer", 1, candidates, std::vector<double>(candidates.size(), 0.0), {{}}};
    for (const int c : candidates) item.costs[0].push_back(p * c);
    problem.items.push_back(item);
  }
  return problem;
}

/// Enumerates, floor before ceil, and keeps the first of the largest totals.
struct Enumeration {
  const Problem& problem;
  const std::vector<double>& widths;
  std::int64_t limit;
  std::int64_t best = -1;
  std::vector<std::size_t> choice{};
  std::vector<std::size_t> best_choice{};

  void go(std::size_t i, std::int64_t cost) {
    if (cost > limit) return;
    if (i == widths.size()) {
      if (cost > best) best = cost, best_choice = choice;
      return;
    }
    const auto& candidates = problem.items[i].widths;
    for (std::size_t j = 0; j < candidates.size(); ++j) {
      const bool floor = candidates[j] <= widths[i] &&
                         (j + 1 == candidates.size() || candidates[j + 1] > widths[i]);
      const bool ceil = candidates[j] >= widths[i] && (j == 0 || candidates[j - 1] < widths[i]);
      if (!floor && !ceil) continue;
      choice.push_back(j);
      go(i + 1, cost + problem.items[i].costs[0][j]);
      choice.pop_back();
    }
  }
};

TEST(RoundDepthFirst, EqualsEnumeration) {
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    Random random(seed);
    const std::size_t n = 1 + random.below(10);
    std::vector<std::int64_t> params;
    std::vector<double> widths;
    double total = 0;
    const bool coarse = random.below(2) == 0;  // many equal totals
    for (std::size_t i = 0; i < n; ++i) {
      params.push_back(static_cast<std::int64_t>(coarse ? 16 * (1 + random.below(4))
                                                        : 1 + random.below(100000)));
      widths.push_back(random.below(5) == 0 ? static_cast<double>(2 + random.below(7))
                                            : 2 + 6 * random.uniform());
      total += static_cast<double>(params.back()) * widths.back();
    }
    const std::vector<int> candidates =
        random.below(2) == 0 ? std::vector<int>{2, 3, 4, 5, 6, 7, 8} : std::vector<int>{2, 4, 8};
    const auto limit = static_cast<std::int64_t>(std::floor(total + 1e-6));
    const Problem problem = problem_of(params, candidates, limit);
    // With gaps between candidates the continuous cost is still linear in the width.
    Enumeration enumeration{problem, widths, limit};
    enumeration.go(0, 0);
    ASSERT_EQ(round_depth_first(problem, widths), enumeration.best_choice) << "seed " << seed;
  }
}

TEST(RoundDepthFirst, NeverExceedsTheLimitNorTheContinuousTotal) {
  const Problem problem = problem_of({1000, 1000, 1000}, {2, 3, 4}, 7400);
  const auto choice = round_depth_first(problem, std::vector<double>{2.5, 2.5, 2.5});
  EXPECT_EQ(costs_of(problem, choice).front(), 7000) << "8000 is more than 7400";
  EXPECT_EQ(choice, (std::vector<std::size_t>{0, 0, 1})) << "the floor is tried first";
}

TEST(RoundDepthFirst, TakesManyLayers) {
  // 2^400 roundings: only the table over totals gets there.
  std::vector<std::int64_t> params;
  std::vector<double> widths;
  double total = 0;
  Random random(3);
  for (int i = 0; i < 400; ++i) {
    params.push_back(64 * static_cast<std::int64_t>(1 + random.below(3000)));
    widths.push_back(2 + 2 * random.uniform());
    total += static_cast<double>(params.back()) * widths.back();
  }
  const auto limit = static_cast<std::int64_t>(total);
  const Problem problem = problem_of(params, {2, 3, 4}, limit);
  const std::int64_t cost = costs_of(problem, round_depth_first(problem, widths)).front();
  EXPECT_EQ(cost, limit / 64 * 64) << "so many layers fill the budget to the last unit";
}

TEST(RoundDepthFirst, KnowsOneBudgetOnly) {
  Problem problem = problem_of({10, 10}, {2, 3}, 100);
  problem.constraints.push_back(problem.constraints.front());
  for (Item& item : problem.items) item.costs.push_back(item.costs.front());
  EXPECT_THROW((void)round_depth_first(problem, std::vector<double>{2.5, 2.5}), ConfigError);
}

TEST(RoundNearest, PutsHalvesUpAndKeepsToTheCandidates) {
  const Problem problem = problem_of({1, 1, 1, 1, 1, 1}, {2, 4, 8}, 100);
  const std::vector<double> widths{2.0, 2.9, 3.0, 5.9, 6.0, 8.0};
  EXPECT_EQ(round_nearest(problem, widths), (std::vector<std::size_t>{0, 0, 1, 1, 2, 2}));
  EXPECT_THROW((void)round_nearest(problem, std::vector<double>{2.0}), ShapeError);
}

}  // namespace
}  // namespace ompq::allocation
