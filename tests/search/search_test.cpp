#include "ompq/search/search.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ompq/core/error.h"
#include "ompq/search/session.h"
#include "pipeline/small_model.h"

namespace ompq::search {
namespace {

using allocation::kFloatBits;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

SearchOptions options_for(const std::string& allocator) {
  SearchOptions options;
  options.allocator = allocator;
  options.beside = {};
  options.request.candidates = {2, 3, 4, 5, 6, 7, 8};
  options.executor.precision = runtime::Precision::Float32;
  return options;
}

TEST(Search, RefusesAnImpossibleBudgetBeforeItMeasuresAnything) {
  const pipeline::Model model = pipeline::small_model();
  pipeline::Samples samples = pipeline::small_samples(16);
  SearchOptions options = options_for("auto");
  options.request.budget = {.bytes = 100};
  int events = 0;
  const auto count = [&](const ProgressEvent&) { ++events; };
  EXPECT_THROW((void)search(model, samples, options, count), InfeasibleBudget);
  EXPECT_EQ(events, 0);
}

std::vector<std::string> all_allocators() {
  std::vector<std::string> names;
  for (const AllocatorRow& row : allocator_table()) names.emplace_back(row.name);
  return names;
}

class EveryAllocator : public ::testing::TestWithParam<std::string> {
 protected:
  report::AllocationRow row(const SearchOptions& options) {
    return search(model_, samples_, options).report.allocations.front();
  }
  /// Of a file that says it answers `budget`, by default one with more digits than is likely.
  [[nodiscard]] std::int64_t bytes(const std::vector<int>& weight_bits,
                                   const allocation::Budget& budget = {.bytes = 1'000'000}) const {
    return pipeline::FileSize(model_, {}, {})
        .answering(budget)
        .bytes(weight_bits, std::vector<int>(weight_bits.size(), 8));
  }

  pipeline::Model model_ = pipeline::small_model();
  pipeline::Samples samples_ = pipeline::small_samples(16);
};

TEST_P(EveryAllocator, NeverExceedsASizeBudgetInTheWrittenFile) {
  SearchOptions options = options_for(GetParam());
  const std::int64_t min = bytes({2, 2, 2, 2, 2});
  const std::int64_t max = bytes({8, 8, 8, 8, 8});
  for (std::int64_t limit = min; limit <= max; limit += (max - min) / 7) {
    options.request.budget = {.bytes = limit};
    const auto found = row(options);
    EXPECT_LE(found.bytes, limit);
    EXPECT_EQ(found.bytes, bytes(found.weight_bits, options.request.budget));
  }
}

TEST_P(EveryAllocator, HoldsTwoBudgetsAtOnceOrSaysThatItKnowsOne) {
  SearchOptions options = options_for(GetParam());
  options.request.budget = {.bytes = bytes({4, 4, 4, 4, 4}), .average_bits = 3.5};
  if (allocator_row(GetParam()).paper_ranges) {
    EXPECT_THROW((void)row(options), ConfigError);
    return;
  }
  const auto found = row(options);
  EXPECT_LE(found.bytes, *options.request.budget.bytes);
  EXPECT_LE(found.average_bits, 3.5);
}

TEST_P(EveryAllocator, KeepsToWhatWasSettledByHand) {
  SearchOptions options = options_for(GetParam());
  options.request.budget = {.average_bits = 4};
  options.request.choices = {.pins = {{"conv2", 3}}, .excluded = {"fc"}};
  const auto found = row(options);
  EXPECT_EQ(found.weight_bits[1], 3);
  EXPECT_EQ(found.weight_bits[4], kFloatBits);
}

TEST_P(EveryAllocator, AnswersWhatWasSettledForEveryLayerWithoutAMeasurement) {
  const bool paper_ranges = allocator_row(GetParam()).paper_ranges;  // it has candidates of its own
  SearchOptions options = options_for(GetParam());
  options.request.budget = {.average_bits = 32};
  options.request.candidates = {paper_ranges ? 3 : 5};
  options.request.choices = {.pins = {{"conv2", 3}}, .excluded = {"fc"}};
  if (paper_ranges) options.request.choices.pins.emplace("*", 5);
  int events = 0;
  const auto count = [&](const ProgressEvent&) { ++events; };
  const SearchOutcome found = search(model_, samples_, options, count);
  const std::vector<int>& bits = found.report.allocations.front().weight_bits;
  for (std::size_t l = 0; l < bits.size(); ++l) {
    EXPECT_EQ(bits[l], l == 1 ? 3 : l == 4 ? kFloatBits : 5) << l;
  }
  EXPECT_EQ(found.report.allocations.size(), 1U);
  EXPECT_EQ(events, 0);

  options.request.budget = {.bytes = 100};
  try {
    (void)search(model_, samples_, options);
    FAIL() << "100 bytes hold nothing";
  } catch (const InfeasibleBudget& error) {
    EXPECT_THAT(error.what(), HasSubstr("below the least possible"));
  }
}

TEST_P(EveryAllocator, AnswersTheSameForTheSameSeed) {
  SearchOptions options = options_for(GetParam());
  options.request.budget = {.average_bits = 3.3};
  EXPECT_EQ(row(options).weight_bits, row(options).weight_bits);
}

TEST_P(EveryAllocator, GivesTiedLayersOneWidth) {
  model_.discovery.ties = {{.leader = 2, .followers = {0}}};
  SearchOptions options = options_for(GetParam());
  for (const double bits : {2.5, 3.0, 4.5}) {
    options.request.budget = {.average_bits = bits};
    const auto found = row(options);
    EXPECT_EQ(found.weight_bits[0], found.weight_bits[2]) << bits;
  }
}

TEST_P(EveryAllocator, NamesTheLeastThatWouldDo) {
  SearchOptions options = options_for(GetParam());
  options.request.budget = {.bytes = bytes({2, 2, 2, 2, 2}) - 10};
  try {
    (void)row(options);
    FAIL() << "found room below the least";
  } catch (const InfeasibleBudget& error) {
    EXPECT_THAT(error.what(), HasSubstr("least"));
  }
}

INSTANTIATE_TEST_SUITE_P(AllocatorTable,
                         EveryAllocator,
                         ::testing::ValuesIn(all_allocators()),
                         [](const auto& allocator) {
                           std::string name = allocator.param;
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

TEST(AllocatorTable, AnUnknownNameComesWithTheNearest) {
  try {
    (void)allocator_row("output-msse");
    FAIL() << "accepted an unknown allocator";
  } catch (const ConfigError& error) {
    EXPECT_THAT(error.what(), HasSubstr("did you mean 'output-mse'?"));
  }
}

TEST(Search, ShowsOthersBesideTheChosenOneAndOneRefusalIsNoFailure) {
  const pipeline::Model model = pipeline::small_model();
  pipeline::Samples samples = pipeline::small_samples(16);
  SearchOptions options = options_for("output-mse");
  options.beside = {"uniform", "orm"};
  options.measure_for_beside = true;
  options.request.candidates = {1, 2, 3};  // the paper's ranges begin at 2
  options.request.budget = {.average_bits = 1.5};
  const auto rows = search(model, samples, options).report.allocations;
  ASSERT_EQ(rows.size(), 3U);
  EXPECT_EQ(rows[0].allocator, "output-mse");
  EXPECT_EQ(rows[1].allocator, "uniform");
  EXPECT_THAT(rows[1].weight_bits, Each(1));
  EXPECT_THAT(rows[2].refused, HasSubstr("least"));
}

TEST(Search, ABudgetOfTimeNeedsATable) {
  const pipeline::Model model = pipeline::small_model();
  pipeline::Samples samples = pipeline::small_samples(4);
  SearchOptions options = options_for("uniform");
  options.request.budget = {.latency_us = 100};
  EXPECT_THROW((void)search(model, samples, options), ConfigError);
}

TEST(Search, ChoosesActivationWidthsUnderABudgetOfBitOperations) {
  const pipeline::Model model = pipeline::small_model();
  pipeline::Samples samples = pipeline::small_samples(16);
  SearchOptions options = options_for("output-mse");
  options.request.activation_candidates = {4, 6, 8};
  options.request.budget = {.average_bits = 8, .bops = 0};
  for (const auto& layer : model.discovery.layers) {
    *options.request.budget.bops += static_cast<double>(layer.macs) * 36;  // 6 x 6 on average
  }
  const SearchOutcome found = search(model, samples, options);
  double bops = 0;
  for (std::size_t l = 0; l < model.discovery.layers.size(); ++l) {
    const auto& layer = found.chosen.layers[l];
    EXPECT_THAT(options.request.activation_candidates, ::testing::Contains(*layer.activation_bits));
    bops += static_cast<double>(model.discovery.layers[l].macs) * layer.weight_bits *
            *layer.activation_bits;
  }
  EXPECT_LE(bops, *options.request.budget.bops);
  EXPECT_GT(bops, *options.request.budget.bops / 2) << "the budget is there to be spent";
}

TEST(Search, GivesTheNetworksInputAWidthOfItsOwn) {
  const pipeline::Model model = pipeline::small_model();
  const auto widths = [&](const SearchOptions& options) {
    pipeline::Samples samples = pipeline::small_samples(16);
    std::vector<int> bits;
    for (const auto& layer : search(model, samples, options).chosen.layers) {
      bits.push_back(layer.activation_bits.value_or(kFloatBits));
    }
    return bits;
  };
  SearchOptions options = options_for("output-mse");
  options.request.budget = {.average_bits = 4};
  options.request.activation_candidates = {4};
  EXPECT_THAT(widths(options), ElementsAre(8, 4, 4, 4, 4)) << "an image keeps the bits it has";
  options.request.input_bits = 4;
  EXPECT_THAT(widths(options), Each(4));
  options.request.activation_candidates = {};
  EXPECT_THAT(widths(options), Each(kFloatBits));
  options.request.activation_candidates = {4, 6};
  options.request.input_bits = 8;
  EXPECT_EQ(widths(options).front(), 8) << "not among the widths that were measured";
}

TEST(Search, AMetricOfWeightsAloneCannotChooseActivationWidths) {
  const pipeline::Model model = pipeline::small_model();
  pipeline::Samples samples = pipeline::small_samples(4);
  SearchOptions options = options_for("weight-mse");
  options.request.activation_candidates = {4, 8};
  options.request.budget = {.average_bits = 4};
  EXPECT_THROW((void)search(model, samples, options), ConfigError);
}

}  // namespace
}  // namespace ompq::search
