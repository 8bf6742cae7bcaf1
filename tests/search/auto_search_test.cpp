#include "ompq/search/auto_search.h"

#include <algorithm>
#include <chrono>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ompq/allocation/allocators.h"
#include "ompq/search/allocate.h"
#include "ompq/search/request_builder.h"
#include "ompq/search/search.h"
#include "pipeline/small_model.h"

namespace ompq::search {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::HasSubstr;

SearchOptions automatic_options() {
  SearchOptions options;
  options.allocator = "auto";
  options.beside = {};
  options.request.candidates = {2, 3, 4, 5, 6, 7, 8};
  options.executor.precision = runtime::Precision::Float32;
  return options;
}

TEST(AutoSearch, ChoosesAmongTheBestRankedByTheCheck) {
  const pipeline::Model model = pipeline::small_model();
  pipeline::Samples samples = pipeline::small_samples(64);
  SearchOptions options = automatic_options();
  for (const double bits : {2.4, 3.0, 4.2}) {
    options.request.budget = {.average_bits = bits};
    const auto report = search(model, samples, options).report;
    ASSERT_TRUE(report.portfolio);
    const auto& portfolio = *report.portfolio;
    EXPECT_GT(portfolio.candidates.size(), 10U);
    ASSERT_GE(portfolio.checked.size(), 2U);
    const auto winner =
        std::ranges::find(portfolio.checked, portfolio.winner, &report::Portfolio::Check::origin);
    ASSERT_NE(winner, portfolio.checked.end());
    for (const auto& other : portfolio.checked) {
      const bool refined = other.origin.ends_with(", refined");
      if (!refined) {
        EXPECT_LE(winner->divergence, other.divergence) << other.origin;
      }
      EXPECT_GT(other.standard_error, 0.0);
    }
    EXPECT_TRUE(std::ranges::is_sorted(portfolio.steps, std::ranges::greater()));
    EXPECT_LE(report.allocations.front().average_bits, bits);
    EXPECT_EQ(portfolio.samples->checking, 12);
  }
}

/// The paper's allocations have 2 to 4 bits, whatever the candidates.
TEST(AutoSearch, TriesOnlyTheCandidates) {
  const pipeline::Model model = pipeline::small_model();
  pipeline::Samples samples = pipeline::small_samples(32);
  SearchOptions options = automatic_options();
  options.request.budget = {.average_bits = 4};
  options.request.candidates = {2, 8};
  const auto report = search(model, samples, options).report;
  ASSERT_GT(report.portfolio->candidates.size(), 2U);
  for (const auto& candidate : report.portfolio->candidates) {
    for (const int bits : candidate.weight_bits) {
      EXPECT_TRUE(bits == 2 || bits == 8) << bits << " bits by " << candidate.origin;
    }
  }
}

TEST(AutoSearch, LetsTheRankingDecideWithFewSamples) {
  const pipeline::Model model = pipeline::small_model();
  pipeline::Samples samples = pipeline::small_samples(8);
  SearchOptions options = automatic_options();
  options.request.budget = {.average_bits = 3};
  const auto portfolio = *search(model, samples, options).report.portfolio;
  EXPECT_TRUE(portfolio.checked.empty());
  EXPECT_TRUE(portfolio.steps.empty());
  const auto best =
      std::ranges::min_element(portfolio.candidates, {}, &report::Portfolio::Candidate::divergence);
  EXPECT_EQ(portfolio.winner, best->origin);
}

TEST(AutoSearch, TakesFurtherSamplesForTheRolesAfterRanking) {
  const pipeline::Model model = pipeline::small_model();
  pipeline::Samples samples = pipeline::small_samples(64);
  for (std::int64_t i = 16; i < 64; ++i) samples.indices.pop_back();
  SearchOptions options = automatic_options();
  options.request.budget = {.average_bits = 3};
  for (std::int64_t i = 16; i < 64; ++i) options.more_samples.push_back(i);
  const auto roles = *search(model, samples, options).report.portfolio->samples;
  EXPECT_EQ(roles.measuring, 8);
  EXPECT_EQ(roles.ranking, 8);
  EXPECT_EQ(roles.rounding, 16);
  EXPECT_EQ(roles.refining, 16);
  EXPECT_EQ(roles.checking, 16);
}

TEST(AutoSearch, LeavesOutAllMeasurementsIfThereIsNoTime) {
  const pipeline::Model model = pipeline::small_model();
  pipeline::Samples samples = pipeline::small_samples(64);
  SearchOptions options = automatic_options();
  options.automatic.time_limit_seconds = 1e-9;
  options.request.budget = {.average_bits = 3};
  const auto report = search(model, samples, options).report;
  EXPECT_TRUE(report.portfolio->time_limit_struck);
  EXPECT_TRUE(report.portfolio->candidates.empty());
  EXPECT_FALSE(report.portfolio->winner.empty());
  EXPECT_LE(report.allocations.front().average_bits, 3);
  const auto& left_out = report.portfolio->left_out;
  EXPECT_THAT(left_out, Contains("refining and checking"));
  EXPECT_THAT(left_out, Contains(AllOf(HasSubstr("measuring"), HasSubstr("output-kl"))));
  EXPECT_THAT(left_out, Contains(HasSubstr("ranking")));
}

TEST(AutoSearch, LeavesOutNothingAndTellsItsCostIfThereIsTime) {
  const pipeline::Model model = pipeline::small_model();
  pipeline::Samples samples = pipeline::small_samples(64);
  SearchOptions options = automatic_options();
  options.request.budget = {.average_bits = 3};
  const auto portfolio = *search(model, samples, options).report.portfolio;
  EXPECT_FALSE(portfolio.time_limit_struck);
  EXPECT_THAT(portfolio.left_out, ::testing::IsEmpty());
  EXPECT_GT(portfolio.passes.value(), 0.0);
}

/// Probes and candidates for choose_best(), without a search around it.
class ChooseBest : public ::testing::Test {
 protected:
  ChooseBest() {
    RequestOptions options;
    options.candidates = {2, 3, 4, 5, 6, 7, 8};
    options.budget.average_bits = 4;
    request_ = free_request(model_, options);
  }
  [[nodiscard]] PortfolioCandidate candidate(const std::string& origin, std::vector<int> bits) {
    allocation::AllocationRequest pinned = request_;
    pinned.layer_candidates.clear();
    for (const int width : bits) pinned.layer_candidates.push_back({width});
    return {origin, allocate(allocation::allocator("size-only").allocate, pinned, size_)};
  }
  [[nodiscard]] AutoOutcome chosen(const std::vector<PortfolioCandidate>& candidates,
                                   const AutoJudges& judges,
                                   const AutoOptions& options = {},
                                   const Deadline& deadline = Deadline(600)) {
    return choose_best(candidates, request_, size_, judges, options, deadline);
  }
  [[nodiscard]] std::vector<std::int64_t> samples(std::int64_t begin, std::int64_t end) const {
    std::vector<std::int64_t> some;
    for (std::int64_t i = begin; i < end; ++i) some.push_back(i);
    return some;
  }

  pipeline::Model model_ = pipeline::small_model();
  pipeline::Samples samples_ = pipeline::small_samples(192);
  pipeline::FileSize size_{model_, {}, {}};
  RoundedWeights weights_{model_, {}};
  allocation::AllocationRequest request_;
  ActivationRanges ranges_{model_, *samples_.dataset, samples_.indices, {}};
  FidelityProbe ranking_{model_, weights_, ranges_, *samples_.dataset, samples(0, 96), 64, {}};
  FidelityProbe refining_{model_, weights_, ranges_, *samples_.dataset, samples(96, 192), 64, {}};
};

TEST_F(ChooseBest, RanksByTheMeasuredDivergence) {
  const auto narrow = candidate("narrow", {2, 2, 2, 2, 2});
  const auto wide = candidate("wide", {4, 4, 4, 4, 4});
  const AutoOutcome found = chosen({narrow, wide}, {.ranking = ranking_});
  EXPECT_EQ(found.report.winner, "wide");
  EXPECT_EQ(found.best.weight_bits, wide.allocation.weight_bits);
  ASSERT_EQ(found.report.candidates.size(), 2U);
}

TEST_F(ChooseBest, RanksThoseMadeFromTheBestRanked) {
  const auto narrow = candidate("narrow", {2, 2, 2, 2, 2});
  const auto wide = candidate("wide", {4, 4, 4, 4, 4});
  std::vector<std::string> given;
  const auto combine = [&](const std::vector<std::string>& origins) {
    given = origins;
    return std::vector{candidate("made", {4, 4, 4, 4, 3}), candidate("made, too", {4, 4, 4, 3, 4})};
  };
  const AutoOutcome found = chosen({narrow, wide}, {.ranking = ranking_, .combine = combine});
  EXPECT_EQ(given, (std::vector<std::string>{"wide", "narrow"})) << "best first";
  const auto& ranked = found.report.candidates;
  ASSERT_EQ(ranked.size(), 4U);
  EXPECT_EQ(ranked[2].origin, "made");
  EXPECT_EQ(ranked[3].origin, "made, too");
  const auto best = std::ranges::min_element(ranked, {}, &report::Portfolio::Candidate::divergence);
  EXPECT_EQ(found.report.winner, best->origin);
  EXPECT_EQ(found.best.weight_bits, best->weight_bits);
  const auto none = [](const auto&) { return std::vector<PortfolioCandidate>{}; };
  const AutoOutcome without = chosen({narrow, wide}, {.ranking = ranking_, .combine = none});
  EXPECT_EQ(without.report.candidates.size(), 2U);
}

TEST_F(ChooseBest, RefinesWithinTheBudget) {
  // Less than 4 bits on average, with only 2 in the first layer.
  const std::vector<int> start{2, 3, 4, 8, 8};
  const AutoOutcome found =
      chosen({candidate("start", start)}, {.ranking = ranking_, .refining = &refining_});
  const auto divergence = [&](const std::vector<int>& bits) {
    return refining_.divergence(
        {.weights = bits, .activations = allocation::widest_activation_bits(request_)});
  };
  EXPECT_LT(divergence(found.best.weight_bits), divergence(start));
  EXPECT_GT(found.best.weight_bits[0], 2);
  EXPECT_LE(found.best.cost.average_bits, 4.0 + 1e-12);
  EXPECT_GE(found.report.steps.size(), 2U);
  EXPECT_EQ(found.report.winner, "start, refined");
}

/// A check that likes small sums of bits in the first layer, by `gain` on every sample and bit.
std::function<std::vector<double>(const allocation::Allocation&)> narrow_first(double gain) {
  return [gain](const allocation::Allocation& asked) {
    std::vector<double> all{1.0, 2.0, 3.0, 4.0};
    for (double& value : all) value += gain * asked.weight_bits[0];
    return all;
  };
}

TEST_F(ChooseBest, TheCheckDecidesAmongTheBestRanked) {
  const auto wide = candidate("wide", {4, 4, 4, 4, 4});
  const auto narrow = candidate("narrow", {3, 4, 4, 4, 4});
  const auto worst = candidate("worst", {2, 2, 2, 2, 2});
  const AutoOutcome found = chosen({wide, narrow, worst},
                                   {.ranking = ranking_, .check = narrow_first(1.0)},
                                   {.starts = 2, .further_starts = 0});
  EXPECT_EQ(found.report.candidates.size(), 3U);
  ASSERT_EQ(found.report.checked.size(), 2U) << "only the two best ranked are rounded";
  EXPECT_EQ(found.report.winner, "narrow");
  for (const auto& row : found.report.checked) {
    EXPECT_EQ(row.divergence, row.origin == "narrow" ? 2.5 + 3 : 2.5 + 4);
  }
}

TEST_F(ChooseBest, ChecksFurtherCandidatesInTheFirstHalfOfTheTime) {
  const auto wide = candidate("wide", {4, 4, 4, 4, 4});
  const auto narrow = candidate("narrow", {3, 4, 4, 4, 4});
  const auto worst = candidate("worst", {2, 2, 2, 2, 2});
  const AutoOptions options{.starts = 1, .further_starts = 2};
  const AutoOutcome all =
      chosen({wide, narrow, worst}, {.ranking = ranking_, .check = narrow_first(1.0)}, options);
  EXPECT_EQ(all.report.checked.size(), 3U);
  EXPECT_EQ(all.report.winner, "worst");
  const Deadline deadline(2);
  const auto slow = [&](const allocation::Allocation& asked) {
    while (deadline.elapsed() < 1.01) std::this_thread::sleep_for(std::chrono::milliseconds(10));
    return narrow_first(1.0)(asked);
  };
  const AutoOutcome one =
      chosen({wide, narrow, worst}, {.ranking = ranking_, .check = slow}, options, deadline);
  EXPECT_EQ(one.report.checked.size(), 1U);
  EXPECT_THAT(one.report.left_out, ::testing::IsEmpty());
}

TEST_F(ChooseBest, ChecksPreferredCandidatesAfterTheBestIfTheRankingIsRough) {
  const auto wide = candidate("wide", {4, 4, 4, 4, 4});
  const auto narrow = candidate("narrow", {3, 4, 4, 4, 4});
  const auto worst = candidate("worst", {2, 2, 2, 2, 2});
  for (const bool rough : {false, true}) {
    const AutoOutcome found = chosen({wide, narrow, worst},
                                     {.ranking = ranking_,
                                      .ranking_is_rough = rough,
                                      .preferred = {"worst", "of no candidate"},
                                      .check = narrow_first(1.0)},
                                     {.starts = 2, .further_starts = 0});
    ASSERT_EQ(found.report.checked.size(), 2U);
    EXPECT_EQ(found.report.checked[1].origin, rough ? "worst" : "narrow");
    EXPECT_EQ(found.report.winner, rough ? "worst" : "narrow");
  }
}

TEST_F(ChooseBest, ARefinedCandidateMustPassTheCheck) {
  // Refinement gives the first layer more bits, which this check likes less, or not at all.
  for (const double gain : {1.0, 0.0}) {
    const AutoOutcome found =
        chosen({candidate("start", {2, 3, 4, 8, 8})},
               {.ranking = ranking_, .refining = &refining_, .check = narrow_first(gain)});
    EXPECT_GE(found.report.steps.size(), 2U);
    ASSERT_EQ(found.report.checked.size(), 2U);
    EXPECT_EQ(found.report.winner, "start") << gain;
    EXPECT_EQ(found.best.weight_bits[0], 2);
  }
  const AutoOutcome found =
      chosen({candidate("start", {2, 3, 4, 8, 8})},
             {.ranking = ranking_, .refining = &refining_, .check = narrow_first(-1.0)});
  EXPECT_EQ(found.report.winner, "start, refined");
}

TEST_F(ChooseBest, KeepsTheBestCheckedIfTheTimeIsUpInALaterCheck) {
  const auto wide = candidate("wide", {4, 4, 4, 4, 4});
  const auto narrow = candidate("narrow", {3, 4, 4, 4, 4});
  const auto late = candidate("late", {2, 4, 4, 4, 4});
  int checks = 0;
  const auto check = [&](const allocation::Allocation& asked) {
    if (++checks == 3) throw TimeIsUp();
    return narrow_first(1.0)(asked);
  };
  const AutoOutcome found =
      chosen({wide, narrow, late}, {.ranking = ranking_, .check = check}, {.starts = 3});
  EXPECT_EQ(found.report.checked.size(), 2U);
  EXPECT_EQ(found.report.winner, "narrow");
  EXPECT_TRUE(found.report.time_limit_struck);
  EXPECT_THAT(found.report.left_out, ::testing::ElementsAre("checking 1 of the 3 best"));
}

TEST_F(ChooseBest, TakesTheFirstCandidateIfNoneCanBeRankedInTime) {
  const auto narrow = candidate("narrow", {2, 2, 2, 2, 2});
  const auto wide = candidate("wide", {4, 4, 4, 4, 4});
  const AutoOutcome found =
      chosen({narrow, wide},
             {.ranking = ranking_, .refining = &refining_, .check = narrow_first(1.0)},
             {},
             Deadline(0));
  EXPECT_EQ(found.report.winner, "narrow");
  EXPECT_TRUE(found.report.candidates.empty());
  EXPECT_THAT(found.report.left_out,
              ::testing::ElementsAre("ranking 2 of 2 candidates", "refinement"));
}

}  // namespace
}  // namespace ompq::search
