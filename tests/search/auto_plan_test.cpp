#include "ompq/search/auto_plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "pipeline/small_model.h"

namespace ompq::search {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Not;

class AutoPlanTest : public ::testing::Test {
 protected:
  MeasurementPlan plan(double sample_seconds, double seconds) {
    left_out_.clear();
    MeasurementPlan plan{.widths = {2, 3, 4, 8}};
    return plan_of_auto(
        model_,
        options_,
        std::move(plan),
        {.samples = 32, .sample_seconds = sample_seconds, .deadline = Deadline(seconds)},
        left_out_);
  }

  pipeline::Model model_ = pipeline::small_model();
  RequestOptions options_;
  std::vector<std::string> left_out_;
};

TEST_F(AutoPlanTest, MeasuresAllOfASmallNetwork) {
  const MeasurementPlan all = plan(1e-4, 60);
  EXPECT_THAT(all.metrics, Contains("output-kl"));
  EXPECT_THAT(all.metrics, Contains("hessian"));
  EXPECT_TRUE(all.orthogonality);
  EXPECT_TRUE(all.pairs);
  EXPECT_EQ(all.batch_size, 8);  // a part of the samples
  EXPECT_THAT(left_out_, IsEmpty());
}

TEST_F(AutoPlanTest, LeavesOutWhatDoesNotFitIntoTheTime) {
  // 17.5 passes of each sample; 15 samples fit into 60 s.
  const MeasurementPlan some = plan(0.225, 60);
  EXPECT_FALSE(some.pairs);
  EXPECT_THAT(some.metrics, Contains("output-kl"));
  EXPECT_EQ(some.batch_size, 3);
  EXPECT_THAT(left_out_, ElementsAre("measuring pairwise"));

  const MeasurementPlan few = plan(10.0, 60);
  EXPECT_THAT(few.metrics, Not(Contains("output-kl")));
  EXPECT_THAT(few.metrics, Contains("local-error"));
  EXPECT_EQ(few.batch_size, 2);
  EXPECT_THAT(left_out_, Contains("measuring output-mse"));
}

TEST_F(AutoPlanTest, RatesActivationsWhereTheirWidthsAreChosen) {
  options_.activation_candidates = {4, 8};
  const MeasurementPlan all = plan(1e-4, 60);
  for (const std::string& name : all.metrics) EXPECT_TRUE(judges_activations(name)) << name;
  EXPECT_THAT(all.activation_widths, ElementsAre(4, 8));
}

TEST(PassSeconds, IsPositiveForSamplesThatCanBeRead) {
  const pipeline::Model model = pipeline::small_model();
  pipeline::Samples samples = pipeline::small_samples(8);
  EXPECT_GT(pass_seconds(model, *samples.dataset, samples.indices, 2, {}), 0);
}

TEST(TrialInTime, UsesASixteenthOfManySamplesAtLeast) {
  const pipeline::Model model = pipeline::small_model();
  EXPECT_EQ(trial_in_time(model, 1024, 5, 1e-3, 1e-9).samples, 64U);
}

TEST(TrialInTime, RoundsLessCarefullyOnFewerSamplesIfTimeIsShort) {
  const pipeline::Model model = pipeline::small_model();
  const auto plan = [&](double seconds) { return trial_in_time(model, 64, 5, 1e-3, seconds); };
  EXPECT_EQ(plan(1e6).samples, 64U);
  EXPECT_EQ(plan(1e6).care.tried_ranges, 2);
  EXPECT_EQ(plan(1e-9).samples, 16U) << "the least, which may be given up";
  EXPECT_EQ(plan(1e-9).care.sweeps, 0);
  double seconds = 1e6;
  while (plan(seconds).samples == 64) seconds /= 1.1;
  EXPECT_EQ(plan(seconds).samples, 32U);
  EXPECT_EQ(plan(seconds).care.sweeps, 1);
}

TEST(TimeShares, LeaveMoreForChecksThatRoundWithErrorCompensation) {
  const TimeShares rough = time_shares(true);
  const TimeShares exact = time_shares(false);
  EXPECT_LT(rough.solved, exact.solved);
  for (const TimeShares& shares : {rough, exact}) {
    EXPECT_LT(shares.rounded, shares.measured);
    EXPECT_LE(shares.rounded, shares.rounded_at_most);
    EXPECT_LT(shares.measured, shares.solved);
    EXPECT_LT(shares.solved, 1.0);
  }
}

}  // namespace
}  // namespace ompq::search
