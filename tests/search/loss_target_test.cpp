#include "ompq/search/loss_target.h"

#include <algorithm>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ompq/core/error.h"
#include "ompq/pipeline/evaluate.h"
#include "ompq/search/search.h"
#include "pipeline/small_model.h"
#include "support/memory_dataset.h"

namespace ompq::search {
namespace {

using ::testing::HasSubstr;

class LossTargetTest : public ::testing::Test {
 protected:
  LossTargetTest() {
    options_.allocator = "output-mse";
    options_.beside = {};
    options_.request.candidates = {2, 3, 4, 5, 6, 7, 8};
    options_.executor.precision = runtime::Precision::Float32;
    samples_.indices.resize(64);
    for (std::int64_t i = 64; i < 464; ++i) options_.loss_samples.push_back(i);
  }
  SearchOutcome found(double max_loss) {
    options_.max_loss = max_loss;
    return search(model_, samples_, options_);
  }
  [[nodiscard]] std::string refusal() {
    try {
      (void)found(1);
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  }
  /// Labels that the float network gets right.
  void label() {
    const auto logits =
        pipeline::evaluate(model_.graph, *samples_.dataset, all_, {.keep_outputs = true}).logits;
    std::vector<std::int32_t> labels;
    const auto scores = logits.data<float>();
    for (std::size_t i = 0; i < all_.size(); ++i) {
      const auto row = scores.subspan(i * 6, 6);
      labels.push_back(static_cast<std::int32_t>(std::ranges::max_element(row) - row.begin()));
    }
    const auto batch = samples_.dataset->load(all_);
    samples_.dataset = std::make_unique<testing::MemoryDataset>(batch.inputs.front(), labels);
  }

  pipeline::Model model_ = pipeline::small_model(48);
  pipeline::Samples samples_ = pipeline::small_samples(464);
  std::vector<std::int64_t> all_ = samples_.indices;
  SearchOptions options_;
};

TEST_F(LossTargetTest, FindsASmallerFileForALargerLoss) {
  std::vector<std::int64_t> sizes;
  for (const double loss : {0.0, 0.5, 4.0, 20.0}) {
    const SearchOutcome outcome = found(loss);
    const report::LossTarget& target = outcome.report.loss_target.value();
    EXPECT_EQ(target.samples, 400);
    EXPECT_LE(target.loss, loss);
    EXPECT_LE(target.lower.value(), target.loss);
    EXPECT_GE(target.upper.value(), target.loss);
    const auto bytes = outcome.report.allocations.front().bytes;
    EXPECT_LE(bytes, *outcome.chosen.budget.bytes);
    sizes.push_back(bytes);
    // No file that loses more is as large.
    for (const auto& trial : target.trials) {
      if (trial.loss > loss) {
        EXPECT_LT(trial.bytes, bytes);
      }
    }
  }
  EXPECT_TRUE(std::ranges::is_sorted(sizes, std::ranges::greater()));
  EXPECT_LT(sizes.back(), sizes.front());
}

TEST_F(LossTargetTest, OfLabelledSamplesIsThatOfTheTop1) {
  label();
  const report::LossTarget target = found(4.0).report.loss_target.value();
  EXPECT_THAT(target.measure, HasSubstr("top-1"));
  EXPECT_LE(target.loss, 4.0);
  EXPECT_LT(target.lower.value(), target.upper.value());
}

TEST_F(LossTargetTest, ChecksTheAllocationOfAuto) {
  options_.allocator = "auto";
  const SearchOutcome outcome = found(4.0);
  EXPECT_LE(outcome.report.loss_target->loss, 4.0);
  const report::AllocationRow& row = outcome.report.allocations.front();
  EXPECT_TRUE(row.allocator == "auto" || row.requested == "auto") << row.allocator;
}

TEST_F(LossTargetTest, MayBeOfAQualityThatTheUserMeasures) {
  options_.loss_samples.clear();
  std::vector<allocation::AllocationFile> files;
  options_.judge = {.float_quality = 10, .quality_of = [&](const allocation::AllocationFile& file) {
                      files.push_back(file);
                      double bits = 0;
                      for (const auto& layer : file.layers) bits += layer.weight_bits;
                      return 2 + bits / static_cast<double>(file.layers.size());
                    }};
  const SearchOutcome outcome = found(4.0);  // an average of four bits a layer or more
  const report::LossTarget& target = outcome.report.loss_target.value();
  EXPECT_FALSE(target.samples || target.lower || target.upper);
  EXPECT_LE(target.loss, 4.0);
  EXPECT_GT(target.trials.size(), 2U);
  for (const allocation::AllocationFile& file : files) {
    EXPECT_EQ(file.model_sha256, model_.sha256) << "it says which network it is of";
  }
  EXPECT_EQ(files.back().layers.front().weight_bits, outcome.chosen.layers.front().weight_bits);
}

TEST_F(LossTargetTest, AppliesTogetherWithABudget) {
  options_.request.budget.average_bits = 3;
  const SearchOutcome outcome = found(100);
  EXPECT_LE(outcome.report.allocations.front().average_bits, 3);
  EXPECT_TRUE(outcome.chosen.budget.bytes);
}

TEST_F(LossTargetTest, IsInfeasibleIfTheLargestFileLosesMore) {
  options_.request.candidates = {1, 2};
  EXPECT_THROW((void)found(0.1), InfeasibleBudget);
  EXPECT_THAT(refusal(), HasSubstr("even the largest file"));
}

TEST_F(LossTargetTest, NeedsSamplesAndClassScoresAndTheBytesOfTheFile) {
  options_.request.accounting = allocation::Accounting::Paper;
  EXPECT_THAT(refusal(), HasSubstr("--accounting paper"));
  options_.request.accounting.reset();
  options_.loss_samples.resize(31);
  EXPECT_THAT(refusal(), HasSubstr("needs 32 samples that no other step uses"));
}

}  // namespace
}  // namespace ompq::search
