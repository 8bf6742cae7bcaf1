#include "ompq/allocation/label_search.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>

#include <gtest/gtest.h>

#include "allocation/random_problems.h"

namespace ompq::allocation {
namespace {

using Choice = MultipleChoice::Choice;
using testing::best_choice;
using testing::objective_slack;
using testing::random_multiple_choice;

constexpr std::size_t kMany = 1'000'000;

/// The worst choice that fits.
Choice worst_choice(const MultipleChoice& problem) {
  Choice worst = *best_choice(problem);
  testing::for_each_choice(problem, [&](const Choice& choice) {
    if (problem.fits(choice) && problem.value_of(choice) < problem.value_of(worst)) worst = choice;
  });
  return worst;
}

/// The value after a search from `start`.
double value_after(const MultipleChoice& problem,
                   const Choice& start,
                   const std::optional<Choice>& better) {
  if (!better) return problem.value_of(start);
  EXPECT_TRUE(problem.fits(*better));
  EXPECT_GT(problem.value_of(*better), problem.value_of(start));
  return problem.value_of(*better);
}

TEST(LabelSearch, EqualsBruteForceFromAnyStart) {
  for (std::uint64_t seed = 0; seed < 150; ++seed) {
    SCOPED_TRACE(seed);
    const MultipleChoice problem = random_multiple_choice(seed, 1 + seed % 3);
    const Choice optimum = *best_choice(problem);
    const double best = problem.value_of(optimum);
    const LabelResult alone = label_search(problem, std::nullopt, kMany);
    ASSERT_TRUE(alone.finished && alone.better);
    EXPECT_TRUE(problem.fits(*alone.better));
    EXPECT_NEAR(problem.value_of(*alone.better), best, objective_slack(best));
    const Choice worst = worst_choice(problem);
    const LabelResult from_worst = label_search(problem, worst, kMany);
    ASSERT_TRUE(from_worst.finished);
    EXPECT_NEAR(value_after(problem, worst, from_worst.better), best, objective_slack(best));
    const LabelResult proof = label_search(problem, optimum, kMany);
    EXPECT_TRUE(proof.finished);
    EXPECT_FALSE(proof.better) << "nothing is better than the optimum";
  }
}

TEST(LabelSearch, GivesUpAtTheLimitOfLabels) {
  const MultipleChoice problem = random_multiple_choice(4, 2);
  for (const std::size_t labels : {std::size_t{0}, std::size_t{1}}) {
    const LabelResult got = label_search(problem, std::nullopt, labels);
    EXPECT_FALSE(got.finished) << labels;
    EXPECT_FALSE(got.better) << labels;
  }
}

TEST(LabelSearchWithin, FindsTheOptimumOnlyInARoomThatHoldsIt) {
  int outside = 0;
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    SCOPED_TRACE(seed);
    const MultipleChoice problem = random_multiple_choice(seed, 1 + seed % 3);
    const double best = problem.value_of(*best_choice(problem));
    const double gap = problem.bound - best;
    const double slack = objective_slack(problem.bound);
    const LabelResult found = label_search_within(problem, 1.5 * gap + slack, kMany);
    ASSERT_TRUE(found.finished && found.better);
    EXPECT_NEAR(problem.value_of(*found.better), best, objective_slack(best));
    if (gap < 10 * slack) continue;  // the bound is reached
    const LabelResult none = label_search_within(problem, 0.9 * gap, kMany);
    EXPECT_TRUE(none.finished);
    EXPECT_FALSE(none.better);
    ++outside;
  }
  EXPECT_GT(outside, 30);
}

TEST(DeepeningSearch, EqualsBruteForce) {
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    SCOPED_TRACE(seed);
    const MultipleChoice problem = random_multiple_choice(seed, 1 + seed % 3);
    const double best = problem.value_of(*best_choice(problem));
    const Choice start = worst_choice(problem);
    const LabelResult got = deepening_search(problem, start, kMany);
    ASSERT_TRUE(got.finished);
    EXPECT_NEAR(value_after(problem, start, got.better), best, objective_slack(best));
    EXPECT_FALSE(deepening_search(problem, start, 0).finished);
  }
}

TEST(BeamSearch, IsExactIfItsBeamHoldsAllLabelsAndFeasibleIfNot) {
  int improved = 0;
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    SCOPED_TRACE(seed);
    const MultipleChoice problem = random_multiple_choice(seed, 1 + seed % 3);
    const double best = problem.value_of(*best_choice(problem));
    const Choice start = worst_choice(problem);
    const double wide = value_after(problem, start, beam_search(problem, start, kMany));
    EXPECT_NEAR(wide, best, objective_slack(best));
    const double narrow = value_after(problem, start, beam_search(problem, start, 1));
    EXPECT_LE(narrow, best + objective_slack(best));
    if (narrow > problem.value_of(start)) ++improved;
  }
  EXPECT_GT(improved, 50);
}

}  // namespace
}  // namespace ompq::allocation
