#include "ompq/search/sweep.h"

#include <algorithm>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ompq/core/error.h"
#include "pipeline/small_model.h"

namespace ompq::search {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

class SweepTest : public ::testing::Test {
 protected:
  SweepTest() {
    options_.search.request.candidates = {2, 3, 4, 5, 6, 7, 8};
    options_.search.executor.precision = runtime::Precision::Float32;
  }
  SweepOutcome run() { return sweep(model_, samples_, options_); }
  pipeline::Model model_ = pipeline::small_model(32);
  pipeline::Samples samples_ = pipeline::small_samples(16);
  SweepOptions options_{.points = 12};
};

TEST_F(SweepTest, GoesFromTheSmallestFileToTheLargestAndLosesLessAndLess) {
  const report::Sweep curve = run().report;
  ASSERT_GE(curve.points.size(), 6U);
  ASSERT_LE(curve.points.size(), 12U);
  EXPECT_EQ(*std::ranges::max_element(curve.points.front().weight_bits), 2);
  // Seven where a layer's measured loss is no lower at eight: that file is smaller and as good.
  EXPECT_GE(*std::ranges::min_element(curve.points.back().weight_bits), 7);
  EXPECT_EQ(*std::ranges::max_element(curve.points.back().weight_bits), 8);
  for (std::size_t i = 1; i < curve.points.size(); ++i) {
    EXPECT_GT(curve.points[i].bytes, curve.points[i - 1].bytes) << i;
    EXPECT_LE(curve.points[i].predicted_loss, curve.points[i - 1].predicted_loss) << i;
  }
  EXPECT_LT(curve.points.back().divergence, curve.points.front().divergence);
  EXPECT_LT(curve.knee, curve.points.size());
}

TEST_F(SweepTest, PicksTheLargestFileThatFits) {
  const auto points = run().report.points;
  options_.pick_bytes = points[points.size() / 2].bytes + 1;
  const SweepOutcome outcome = run();
  EXPECT_EQ(*outcome.report.picked, points.size() / 2);
  const auto& picked = outcome.report.points[*outcome.report.picked];
  for (std::size_t l = 0; l < picked.weight_bits.size(); ++l) {
    EXPECT_EQ(outcome.chosen.layers[l].weight_bits, picked.weight_bits[l]);
  }
}

TEST_F(SweepTest, SizesAreThoseOfTheFilesThatThePickedAllocationsMake) {
  const SweepOutcome outcome = run();
  const auto& picked = outcome.report.points[outcome.report.knee];
  const auto size = pipeline::FileSize(model_, {}, {}).answering(outcome.chosen.budget);
  EXPECT_EQ(size.bytes(picked.weight_bits, std::vector<int>(picked.weight_bits.size(), 8)),
            picked.bytes);
}

TEST_F(SweepTest, SaysWhatTheSmallestFileTakes) {
  options_.pick_bytes = 10;
  const SweepOutcome outcome = run();
  ASSERT_TRUE(outcome.refusal.has_value());
  EXPECT_THAT(outcome.refusal->what(), HasSubstr("no file on the curve fits 10 B"));
  EXPECT_FALSE(outcome.report.picked.has_value());
  EXPECT_GT(outcome.report.points.size(), 2U);
}

/// The quality of an allocation is its average width here, and that of the float network 8.
QualityJudge width_judge() {
  return {.float_quality = 8, .quality_of = [](const allocation::AllocationFile& file) {
            double sum = 0;
            for (const auto& layer : file.layers) sum += layer.weight_bits;
            return sum / static_cast<double>(file.layers.size());
          }};
}

TEST_F(SweepTest, PicksTheSmallestFileThatKeepsTheQuality) {
  options_.max_loss = 3.0;
  const SweepOutcome outcome = sweep(model_, samples_, options_, {}, width_judge());
  const auto& points = outcome.report.points;
  ASSERT_TRUE(outcome.report.picked.has_value());
  const std::size_t picked = *outcome.report.picked;
  ASSERT_GT(picked, 0U);
  EXPECT_GE(*points[picked].quality, 5.0);
  for (std::size_t i = 0; i < picked; ++i) EXPECT_LT(*points[i].quality, 5.0) << i;
  EXPECT_EQ(outcome.report.float_quality, 8.0);
  EXPECT_EQ(outcome.chosen.budget.bytes, points[picked].bytes);
  for (std::size_t l = 0; l < points[picked].weight_bits.size(); ++l) {
    EXPECT_EQ(outcome.chosen.layers[l].weight_bits, points[picked].weight_bits[l]);
  }
}

TEST_F(SweepTest, SaysWhichNetworkComesClosestToTheQuality) {
  options_.max_loss = 0.0;
  options_.search.request.candidates = {2, 3, 4};
  const SweepOutcome outcome = sweep(model_, samples_, options_, {}, width_judge());
  ASSERT_TRUE(outcome.refusal.has_value());
  EXPECT_THAT(outcome.refusal->what(),
              AllOf(HasSubstr("quality of 8 or more"), HasSubstr("the best one has 4 with")));
  EXPECT_TRUE(outcome.report.points.front().quality.has_value());
}

TEST_F(SweepTest, KeepsToPins) {
  options_.search.request.choices = {.pins = {{"conv3", 5}}};
  for (const auto& point : run().report.points) EXPECT_EQ(point.weight_bits[2], 5);
}

}  // namespace
}  // namespace ompq::search
