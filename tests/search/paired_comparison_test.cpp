#include "ompq/search/paired_comparison.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "ompq/core/error.h"

namespace ompq::search {
namespace {

TEST(Hits, ComeBackFromTheirText) {
  const std::vector<bool> hits{true, false, true, true};
  EXPECT_EQ(text_of_hits(hits), "1011");
  EXPECT_EQ(hits_from_text("1011", 4, 0.75), hits);
  EXPECT_TRUE(hits_from_text("", 4, 0.75).empty()) << "they may be unknown";
}

TEST(Hits, OfAnotherEvaluationAreRefused) {
  for (const char* text : {"1010", "101", "10111", "1x11", "1 11"}) {
    EXPECT_THROW((void)hits_from_text(text, 4, 0.75), DataError) << text;
  }
  EXPECT_THROW((void)hits_from_text("1011", 4, std::nullopt), DataError);
}

TEST(Hits, AreOfSamplesOnly) {
  pipeline::EvaluateOutcome outcome;
  outcome.evaluation.samples = 2;
  outcome.correct = {true, false};
  outcome.agrees = {true, false, true, true};  // rows of scores, two a sample
  EXPECT_EQ(hits_of(outcome).correct, outcome.correct);
  EXPECT_TRUE(hits_of(outcome).agrees.empty());
}

/// Two budgets, four samples.
class AddDifferences : public ::testing::Test {
 protected:
  AddDifferences() {
    comparison_.budgets = {"2 bits", "3 bits"};
    comparison_.allocators = {"auto", "orm", "uniform"};
    add("2 bits", "auto", {true, true, true, false});
    add("2 bits", "orm", {true, false, false, false});
    add("2 bits", "uniform", {});
    comparison_.rows.back().refused = "no room";
    add("3 bits", "auto", {true, true, true, true});
    add("3 bits", "orm", {true, true, false, true});
    add("3 bits", "uniform", {true, true, true, true});
  }
  void add(const char* budget, const char* allocator, std::vector<bool> correct) {
    report::ComparisonRow row{.budget = budget, .allocator = allocator};
    if (!correct.empty()) {
      row.evaluation.top1 = static_cast<double>(std::ranges::count(correct, true)) / 4;
    }
    comparison_.rows.push_back(row);
    hits_.push_back({.correct = std::move(correct), .agrees = {}});
  }

  report::Comparison comparison_;
  std::vector<Hits> hits_;
};

TEST_F(AddDifferences, ComparesWithTheFirstAllocatorOnTheSameSamples) {
  add_differences(comparison_, hits_);
  const auto& rows = comparison_.rows;
  EXPECT_FALSE(rows[0].top1_difference) << "it is the first one";
  EXPECT_FALSE(rows[2].top1_difference) << "it has no answer";
  EXPECT_DOUBLE_EQ(rows[1].top1_difference->mean, -0.5);
  EXPECT_LT(rows[1].top1_difference->lower, -0.5);
  EXPECT_GT(rows[1].top1_difference->upper, -0.5);
  EXPECT_DOUBLE_EQ(rows[5].top1_difference->mean, 0.0);
  EXPECT_FALSE(rows[1].agreement_difference) << "it is unknown";
}

TEST_F(AddDifferences, AveragesAllocatorsWithAnswersAtAllBudgets) {
  add_differences(comparison_, hits_);
  ASSERT_EQ(comparison_.means.size(), 2U);
  EXPECT_EQ(comparison_.means[0].allocator, "auto");
  EXPECT_DOUBLE_EQ(*comparison_.means[0].top1, 0.875);
  EXPECT_FALSE(comparison_.means[0].top1_difference);
  EXPECT_EQ(comparison_.means[1].allocator, "orm");
  EXPECT_DOUBLE_EQ(comparison_.means[1].top1_difference->mean, -0.375);
  EXPECT_FALSE(comparison_.means[1].agreement);
}

TEST_F(AddDifferences, OfMoreBudgetsVaryLess) {
  add_differences(comparison_, hits_);
  const report::PairedDifference& one = *comparison_.rows[1].top1_difference;
  const report::PairedDifference& both = *comparison_.means[1].top1_difference;
  EXPECT_LT(both.upper - both.lower, one.upper - one.lower);
}

}  // namespace
}  // namespace ompq::search
