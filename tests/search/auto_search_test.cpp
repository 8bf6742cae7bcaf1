#include "ompq/search/auto_search.h"

#include <algorithm>
#include <functional>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "ompq/allocation/allocators.h"
#include "ompq/search/allocate.h"
#include "ompq/search/request_builder.h"
#include "ompq/search/search.h"
#include "pipeline/small_model.h"

namespace ompq::search {
namespace {

SearchOptions automatic_options() {
  SearchOptions options;
  options.allocator = "auto";
  options.beside = {};
  options.request.candidates = {2, 3, 4, 5, 6, 7, 8};
  options.executor.precision = runtime::Precision::Float32;
  return options;
}

TEST(AutoSearch, RefinesOneOfTheBestRankedAndNeverGetsWorse) {
  const pipeline::Model model = pipeline::small_model();
  pipeline::Samples samples = pipeline::small_samples(24);
  SearchOptions options = automatic_options();
  for (const double bits : {2.4, 3.0, 4.2}) {
    options.request.budget = {.average_bits = bits};
    const auto report = search(model, samples, options).report;
    ASSERT_TRUE(report.portfolio);
    const auto& portfolio = *report.portfolio;
    EXPECT_GT(portfolio.candidates.size(), 10U);
    const auto winner = std::ranges::find(
        portfolio.candidates, portfolio.winner, &report::Portfolio::Candidate::origin);
    ASSERT_NE(winner, portfolio.candidates.end());
    std::set<double> better;
    for (const auto& candidate : portfolio.candidates) {
      if (candidate.divergence < winner->divergence) better.insert(candidate.divergence);
    }
    EXPECT_LT(better.size(), options.automatic.starts) << portfolio.winner;
    EXPECT_TRUE(std::ranges::is_sorted(portfolio.steps, std::ranges::greater()));
    EXPECT_LE(report.allocations.front().average_bits, bits);
  }
}

TEST(AutoSearch, RanksOneCandidateIfThereIsNoTime) {
  const pipeline::Model model = pipeline::small_model();
  pipeline::Samples samples = pipeline::small_samples(8);
  SearchOptions options = automatic_options();
  options.automatic.time_limit_seconds = 1e-9;
  options.request.budget = {.average_bits = 3};
  const auto report = search(model, samples, options).report;
  EXPECT_TRUE(report.portfolio->time_limit_struck);
  EXPECT_EQ(report.portfolio->candidates.size(), 1U);
  EXPECT_LE(report.allocations.front().average_bits, 3);
}

/// Probes and candidates for refine_best(), without a search around it.
class RefineBest : public ::testing::Test {
 protected:
  RefineBest() {
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
  [[nodiscard]] AutoOutcome refined(const std::vector<PortfolioCandidate>& candidates,
                                    const AutoOptions& options,
                                    const Remeasure& remeasure = {}) {
    return refine_best(candidates, request_, size_, ranking_, refining_, options, remeasure);
  }

  pipeline::Model model_ = pipeline::small_model();
  pipeline::Samples samples_ = pipeline::small_samples(24);
  pipeline::FileSize size_{model_, {}, {}};
  RoundedWeights weights_{model_, {}};
  allocation::AllocationRequest request_;
  ActivationRanges ranges_{model_, *samples_.dataset, samples_.indices, {}};
  FidelityProbe ranking_{model_, weights_, ranges_, *samples_.dataset, samples_.indices, 64, {}};
  FidelityProbe refining_{model_, weights_, ranges_, *samples_.dataset, samples_.indices, 64, {}};
};

TEST_F(RefineBest, RanksByTheMeasuredDivergence) {
  const auto narrow = candidate("narrow", {2, 2, 2, 2, 2});
  const auto wide = candidate("wide", {4, 4, 4, 4, 4});
  const AutoOutcome found = refined({narrow, wide}, {.max_rounds = 0, .starts = 1});
  EXPECT_EQ(found.report.winner, "wide");
  EXPECT_EQ(found.best.weight_bits, wide.allocation.weight_bits);
  ASSERT_EQ(found.report.candidates.size(), 2U);
}

TEST_F(RefineBest, LowersTheDivergenceWithinTheBudget) {
  // Less than 4 bits on average, with only 2 in the first layer.
  const std::vector<int> start{2, 3, 4, 8, 8};
  const AutoOutcome found = refined({candidate("start", start)}, {});
  EXPECT_LT(refining_.divergence(widths_of(found.best)),
            refining_.divergence(
                {.weights = start, .activations = allocation::widest_activation_bits(request_)}));
  EXPECT_GT(found.best.weight_bits[0], 2);
  EXPECT_LE(found.best.cost.average_bits, 4.0 + 1e-12);
  EXPECT_GE(found.report.steps.size(), 2U);
}

TEST_F(RefineBest, UsesABetterSecondLook) {
  int asked = 0;
  const AutoOutcome found = refined({candidate("first", {2, 2, 2, 2, 2})},
                                    {.max_rounds = 0, .starts = 1},
                                    [&](const std::string& origin) {
                                      ++asked;
                                      EXPECT_EQ(origin, "first");
                                      return candidate("again", {4, 4, 4, 4, 4});
                                    });
  EXPECT_EQ(asked, 1);
  EXPECT_EQ(found.report.winner, "again");
}

}  // namespace
}  // namespace ompq::search
