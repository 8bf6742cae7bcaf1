#include "ompq/search/width_check.h"

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ompq/core/error.h"
#include "ompq/search/search.h"
#include "pipeline/small_model.h"

namespace ompq::search {
namespace {

using ::testing::HasSubstr;

class WidthCheckTest : public ::testing::Test {
 protected:
  WidthCheckTest() {
    options_.request.candidates = {2, 3, 4, 5, 6, 7, 8};
    options_.request.budget.average_bits = 3.5;
    options_.allocator = "output-mse";
    options_.beside = {"uniform", "size-only", "orm"};
    options_.measure_for_beside = true;
    options_.executor.precision = runtime::Precision::Float32;
  }
  [[nodiscard]] SearchOutcome found() {
    pipeline::Samples samples = pipeline::small_samples(16);
    return search(model_, samples, options_);
  }
  [[nodiscard]] std::string refusal(const std::vector<int>& weights,
                                    std::vector<int> activations = {}) const {
    try {
      (void)WidthCheck(model_, options_)
          .check(options_.allocator, options_.request.budget, weights, std::move(activations));
    } catch (const Error& error) {
      return error.reason();
    }
    return "accepted";
  }

  pipeline::Model model_ = pipeline::small_model();
  SearchOptions options_;
};

TEST_F(WidthCheckTest, AcceptsWhatTheSearchFindsUnderAnyBudget) {
  const std::vector<std::pair<std::string, std::function<void(SearchOptions&)>>> cases{
      {"bits", [](SearchOptions&) {}},
      {"auto", [](SearchOptions& o) { o.allocator = "auto"; }},
      {"size", [](SearchOptions& o) { o.request.budget = {.bytes = 8000}; }},
      {"compression", [](SearchOptions& o) { o.request.budget = {.compression = 0.6}; }},
      {"bops", [](SearchOptions& o) { o.request.budget = {.bops = 3e6}; }},
      {"activations",
       [](SearchOptions& o) {
         o.request.activation_candidates = {4, 6, 8};
       }},
      {"paper", [](SearchOptions& o) { o.request.scheme = allocation::Scheme::PaperPtq; }},
      {"nearest",
       [](SearchOptions& o) {
         o.allocator = "orm";
         o.request.rounding = allocation::Rounding::Nearest;
       }},
      {"pins", [](SearchOptions& o) {
         o.request.choices.pins["conv1"] = 8;
         o.request.choices.excluded = {"fc"};
       }}};
  const SearchOptions base = options_;
  for (const auto& [name, change] : cases) {
    SCOPED_TRACE(name);
    options_ = base;
    change(options_);
    const SearchOutcome outcome = found();
    const WidthCheck check(model_, options_);
    std::vector<int> activations;
    for (const auto& layer : outcome.chosen.layers) {
      activations.push_back(layer.activation_bits.value_or(allocation::kFloatBits));
    }
    for (const report::AllocationRow& row : outcome.report.allocations) {
      if (!row.refused.empty()) continue;
      const bool chosen = &row == &outcome.report.allocations.front();
      const auto made = check.check(row.allocator,
                                    options_.request.budget,
                                    row.weight_bits,
                                    chosen ? activations : std::vector<int>{});
      EXPECT_EQ(made.cost.average_bits, row.average_bits) << row.allocator;
      if (chosen) {
        EXPECT_EQ(made.bytes, row.bytes) << row.allocator;
      }
    }
  }
}

TEST_F(WidthCheckTest, RefusesWhatNoSearchFinds) {
  EXPECT_EQ(refusal({3, 3, 3, 3, 3}), "accepted");
  EXPECT_THAT(refusal({3, 3, 3, 3}), HasSubstr("4 widths for 5 layers"));
  EXPECT_THAT(refusal({}), HasSubstr("0 widths for 5 layers"));
  EXPECT_THAT(refusal({3, 3, 3, 3, 1}), HasSubstr("layer 'fc' has 1 bits, but its candidates are"));
  EXPECT_THAT(refusal({3, -7, 3, 3, 3}), HasSubstr("'conv2' has -7 bits"));
  EXPECT_THAT(refusal({3, 1'000'000, 3, 3, 3}), HasSubstr("'conv2' has 1000000 bits"));
  EXPECT_THAT(refusal({3, 3, 3, 3, allocation::kFloatBits}), HasSubstr("'fc' has float"));
  EXPECT_THAT(refusal({8, 8, 8, 8, 8}), HasSubstr("more than the budget of 3.5"));
  EXPECT_THAT(refusal({3, 3, 3, 3, 3}, {8, 8}), HasSubstr("2 activation widths for 5 layers"));
  EXPECT_THAT(refusal({3, 3, 3, 3, 3}, {8, 8, 8, 8, 4}), HasSubstr("has 4 bits, but"));
}

TEST_F(WidthCheckTest, RefusesAFileBeyondTheBudgetOfBytes) {
  options_.request.budget = {.bytes = 8000};
  const std::vector<int> widths = found().report.allocations.front().weight_bits;
  EXPECT_EQ(refusal(widths), "accepted");
  // The budget is in the file's metadata, so its digits count.
  constexpr std::int64_t kDigits = 4;
  options_.request.budget.bytes =
      WidthCheck(model_, options_).check("uniform", {.bytes = 100'000}, widths).bytes - kDigits;
  EXPECT_THAT(refusal(widths), HasSubstr("more than the budget of"));
}

TEST_F(WidthCheckTest, RefusesPinnedLayersWithOtherWidthsAndUnknownAllocators) {
  options_.request.choices.pins["conv1"] = 2;
  EXPECT_THAT(refusal({3, 3, 3, 3, 3}), HasSubstr("'conv1' has 3 bits, but its candidates are 2"));
  options_.allocator = "magic";
  EXPECT_THAT(refusal({2, 3, 3, 3, 3}), HasSubstr("unknown allocator 'magic'"));
}

}  // namespace
}  // namespace ompq::search
