#include "ompq/search/compare.h"

#include <array>
#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ompq/core/atomic_file.h"
#include "ompq/core/error.h"
#include "ompq/report/csv.h"
#include "pipeline/small_model.h"
#include "support/paths.h"

namespace ompq::search {
namespace {

using ::testing::HasSubstr;

class CompareTest : public ::testing::Test {
 protected:
  CompareTest() {
    evaluation_.used.source = "other normal numbers";
    options_.budgets = {{.average_bits = 2.5}, {.average_bits = 4.0}};
    options_.allocators = {"auto", "output-mse", "orm", "uniform"};
    options_.random_allocations = 5;
    options_.search.request.candidates = {2, 3, 4, 5, 6, 7, 8};
    options_.search.executor.precision = runtime::Precision::Float32;
    options_.journal = folder_.path() / "compare.journal";
  }
  report::Comparison run(const ProgressHandler& progress = {}) {
    return compare(model_, samples_, evaluation_, options_, progress);
  }

  testing::TemporaryDirectory folder_;
  pipeline::Model model_ = pipeline::small_model();
  pipeline::Samples samples_ = pipeline::small_samples(16);
  pipeline::Samples evaluation_ = pipeline::small_samples(32, 9);
  CompareOptions options_;
};

void expect_equal(const report::Comparison& a, const report::Comparison& b) {
  ASSERT_EQ(a.rows.size(), b.rows.size());
  for (std::size_t i = 0; i < a.rows.size(); ++i) {
    EXPECT_EQ(a.rows[i].allocator, b.rows[i].allocator);
    EXPECT_EQ(a.rows[i].weight_bits, b.rows[i].weight_bits) << i;
    EXPECT_EQ(a.rows[i].evaluation.divergence, b.rows[i].evaluation.divergence) << i;
    EXPECT_EQ(a.rows[i].bytes, b.rows[i].bytes) << i;
    ASSERT_EQ(a.rows[i].agreement_difference.has_value(),
              b.rows[i].agreement_difference.has_value());
    if (!a.rows[i].agreement_difference) continue;
    EXPECT_EQ(a.rows[i].agreement_difference->lower, b.rows[i].agreement_difference->lower) << i;
  }
  ASSERT_EQ(a.rank_correlation.size(), b.rank_correlation.size());
  for (std::size_t i = 0; i < a.rank_correlation.size(); ++i) {
    EXPECT_EQ(a.rank_correlation[i].divergence, b.rank_correlation[i].divergence) << i;
  }
}

TEST_F(CompareTest, HoldsEveryAllocatorAtEveryBudget) {
  const report::Comparison comparison = run();
  ASSERT_EQ(comparison.rows.size(), 8U);
  for (std::size_t i = 0; i < 8; ++i) {
    EXPECT_EQ(comparison.rows[i].allocator, options_.allocators[i % 4]);
    EXPECT_EQ(comparison.rows[i].budget, comparison.budgets[i / 4]);
    EXPECT_LE(comparison.rows[i].average_bits, *options_.budgets[i / 4].average_bits);
    EXPECT_TRUE(comparison.rows[i].evaluation.divergence);
  }
  ASSERT_EQ(comparison.rank_correlation.size(), 3U) << "uniform predicts nothing";
  for (const auto& row : comparison.rank_correlation) {
    EXPECT_GE(*row.divergence, -1.0) << row.metric;
    EXPECT_LE(*row.divergence, 1.0) << row.metric;
    EXPECT_FALSE(row.accuracy) << "there are no labels";
  }
  EXPECT_FALSE(std::filesystem::exists(options_.journal)) << "done, so nothing is to be resumed";
}

TEST_F(CompareTest, SaysWhichDifferencesAreReal) {
  options_.random_allocations = 0;
  const report::Comparison comparison = run();
  ASSERT_EQ(comparison.means.size(), 4U);
  EXPECT_EQ(comparison.rounding, "nearest");
  EXPECT_FALSE(comparison.means.front().agreement_difference);
  const report::AllocatorMean& uniform = comparison.means.back();
  EXPECT_EQ(uniform.allocator, "uniform");
  EXPECT_FALSE(uniform.top1) << "there are no labels";
  const double first = comparison.means.front().agreement.value();
  EXPECT_NEAR(uniform.agreement_difference->mean, uniform.agreement.value() - first, 1e-12);
  EXPECT_LT(uniform.agreement_difference->lower, uniform.agreement_difference->mean);
  EXPECT_TRUE(comparison.rows[3].agreement_difference);
}

TEST_F(CompareTest, MayRoundWithErrorCompensation) {
  options_.random_allocations = 0;
  options_.allocators = {"uniform"};
  options_.budgets = {{.average_bits = 3.0}};
  const double nearest = run().rows.front().evaluation.divergence.value();
  options_.search.compensated = true;
  const report::Comparison comparison = run();
  EXPECT_EQ(comparison.rounding, "gptq");
  EXPECT_LT(comparison.rows.front().evaluation.divergence.value(), nearest);
}

TEST_F(CompareTest, MeasuresEqualNetworksOnce) {
  options_.random_allocations = 0;
  options_.allocators = {"uniform", "size-only"};
  options_.search.request.candidates = {4};
  options_.budgets = {{.average_bits = 4.0}, {.average_bits = 4.5}};
  std::set<std::string> tasks;
  const auto watching = [&](const ProgressEvent& event) {
    if (std::string(event.task).find(" bits a weight") != std::string::npos) {
      tasks.emplace(event.task);
    }
  };
  const report::Comparison comparison = run(watching);
  EXPECT_THAT(tasks, ::testing::ElementsAre("uniform, 4.00 bits a weight"));
  ASSERT_EQ(comparison.rows.size(), 4U);
  for (const auto& row : comparison.rows) {
    EXPECT_EQ(row.evaluation.divergence, comparison.rows[0].evaluation.divergence);
  }
  ASSERT_TRUE(comparison.means.back().agreement_difference);
  EXPECT_EQ(comparison.means.back().agreement_difference->mean, 0.0);
}

TEST_F(CompareTest, SaysHowAutoChose) {
  options_.random_allocations = 0;
  const report::Comparison comparison = run();
  ASSERT_TRUE(comparison.rows[0].portfolio);
  EXPECT_FALSE(comparison.rows[0].portfolio->winner.empty());
  EXPECT_FALSE(comparison.rows[1].portfolio);
}

TEST_F(CompareTest, GoesOnWhereItWasStopped) {
  const report::Comparison whole = run();
  for (const char* stop : {"auto, 4.00", "orm, 2.50", "random 3, 2.50", "random 0, 4.00"}) {
    bool stopped = false;
    const auto stopping = [&](const ProgressEvent& event) {
      if (!std::string(event.task).starts_with(stop)) return;
      stopped = true;
      throw Interrupted("test", "stopped here");
    };
    EXPECT_THROW((void)run(stopping), Interrupted) << stop;
    EXPECT_TRUE(stopped) << stop;
    EXPECT_TRUE(std::filesystem::exists(options_.journal)) << stop;
    bool resumed = false;
    const auto watching = [&](const ProgressEvent& event) {
      resumed = resumed || event.task == "journal";
    };
    expect_equal(run(watching), whole);
    EXPECT_TRUE(resumed) << stop;
  }
}

TEST_F(CompareTest, DoesNotMixRuns) {
  EXPECT_THROW((void)run([](const ProgressEvent& event) {
                 if (std::string(event.task).starts_with("uniform")) throw Interrupted("test", "");
               }),
               Interrupted);
  options_.search.request.candidates = {2, 4, 8};
  const report::Comparison mixed = run();
  std::filesystem::remove(options_.journal);
  expect_equal(mixed, run());  // nothing of the first run is in it
}

/// Replaces `from` by `to` in the journal's unit `key`.
void forge(const std::filesystem::path& journal,
           const std::string& key,
           const std::string& from,
           const std::string& to) {
  std::string text = read_file(journal);
  const std::size_t unit = text.find("{\"key\":\"" + key);
  ASSERT_NE(unit, std::string::npos) << key;
  const std::size_t at = text.find(from, unit);
  ASSERT_NE(at, std::string::npos) << from;
  text.replace(at, from.size(), to);
  write_file_atomically(journal, text);
}

TEST_F(CompareTest, ComputesAgainWhatSomeoneChangedInItsJournal) {
  options_.budgets = {{.average_bits = 4.0}};
  options_.allocators = {"weight-mse", "uniform"};
  options_.random_allocations = 2;
  const report::Comparison whole = run();
  const std::vector<std::array<std::string, 3>> changes{
      {"weight-mse", "\"weight_bits\":[", "\"weight_bits\":[8,8,8,8,8,"},
      {"weight-mse", "\"weight_bits\":[", "\"weight_bits\":[],\"old\":["},
      {"weight-mse", "\"weight_bits\":[", "\"weight_bits\":[9,3,3,3,3],\"old\":["},
      {"weight-mse", "\"weight_bits\":[", "\"weight_bits\":[8,8,8,8,8],\"old\":["},
      {"weight-mse", "\"weight_bits\":[", "\"weight_bits\":null,\"old\":["},
      {"weight-mse", "\"allocator\":\"weight-mse\"", "\"allocator\":\"uniform\""},
      {"weight-mse", "\"samples\":32", "\"samples\":31"},
      {"weight-mse", "\"agrees\":\"", "\"agrees\":\"1"},
      {"weight-mse", "\"agrees\":\"", "\"agrees\":\"2\",\"old\":\""},
      {"weight-mse", "\"average_bits\":", "\"average_bits\":null,\"old\":"},
      {"float", "\"samples\":32", "\"samples\":\"32\""},
      {"float", "\"value\":", "\"value\":null,\"old\":"},
      {"uniform", "\"bytes\":", "\"bytes\":-1,\"old\":"},
      {"random 0", "\"weight_bits\":[", "\"weight_bits\":[3],\"old\":["}};
  for (const auto& [key, from, to] : changes) {
    SCOPED_TRACE(key + ": " + to);
    std::filesystem::remove(options_.journal);
    EXPECT_THROW((void)run([](const ProgressEvent& event) {
                   if (std::string(event.task).starts_with("random 1, 4")) {
                     throw Interrupted("test", "stopped here");
                   }
                 }),
                 Interrupted);
    forge(options_.journal, key, from, to);
    expect_equal(run(), whole);
  }
}

TEST_F(CompareTest, LeavesNoJournalWithoutAUnit) {
  EXPECT_THROW((void)run([](const ProgressEvent&) { throw Interrupted("test", "at once"); }),
               Interrupted);
  EXPECT_FALSE(std::filesystem::exists(options_.journal));
}

TEST_F(CompareTest, CoarseActivationsLeaveTheNetworksInputAlone) {
  options_.allocators = {"uniform"};
  options_.random_allocations = 0;
  options_.budgets = {{.average_bits = 8}};
  options_.search.request.activation_candidates = {4};
  const auto divergence = [&](int input_bits) {
    options_.search.request.input_bits = input_bits;
    return *run().rows.front().evaluation.divergence;
  };
  EXPECT_LT(divergence(8), 0.8 * divergence(2));
}

TEST_F(CompareTest, NeedsBudgetsAndAllocators) {
  options_.budgets.clear();
  EXPECT_THROW((void)run(), ConfigError);
  options_.budgets = {{.average_bits = 3}};
  options_.allocators = {"orm", "magic"};
  try {
    (void)run();
    FAIL() << "compared an unknown allocator";
  } catch (const ConfigError& error) {
    EXPECT_THAT(error.what(), HasSubstr("unknown allocator 'magic'"));
  }
}

TEST_F(CompareTest, KeepsARefusalAsARow) {
  options_.budgets = {{.average_bits = 1.5}};
  options_.search.request.candidates = {1, 2};
  options_.random_allocations = 0;
  const report::Comparison comparison = run();
  EXPECT_THAT(comparison.rows[2].refused, HasSubstr("least"));  // orm begins at 2 bits
  EXPECT_THAT(report::to_csv(comparison), HasSubstr("orm"));
}

}  // namespace
}  // namespace ompq::search
