#include "ompq/training/schedules.h"

#include <gtest/gtest.h>

#include "ompq/core/error.h"

namespace ompq::training {
namespace {

TEST(RateShare, WarmsUpInALine) {
  const ScheduleOptions options{.name = "constant", .total_steps = 10, .warmup_steps = 4};
  EXPECT_DOUBLE_EQ(rate_share(options, 0), 0.25);
  EXPECT_DOUBLE_EQ(rate_share(options, 3), 1.0);
  EXPECT_DOUBLE_EQ(rate_share(options, 4), 1.0);
  EXPECT_DOUBLE_EQ(rate_share(options, 100), 1.0);
}

TEST(RateShare, CosineFallsToItsFinalShare) {
  const ScheduleOptions options{.name = "cosine", .total_steps = 100, .final_share = 0.2};
  EXPECT_DOUBLE_EQ(rate_share(options, 0), 1.0);
  EXPECT_NEAR(rate_share(options, 50), 0.6, 1e-12);
  for (std::int64_t i = 1; i < 100; ++i) {
    EXPECT_LT(rate_share(options, i), rate_share(options, i - 1));
    EXPECT_GT(rate_share(options, i), 0.2);
  }
  EXPECT_EQ(rate_share(options, 99), rate_share(options, 5000));
}

TEST(RateShare, StepsAtEvenMilestones) {
  const ScheduleOptions options{.name = "step", .total_steps = 90, .gamma = 0.1, .milestones = 2};
  EXPECT_DOUBLE_EQ(rate_share(options, 29), 1.0);
  EXPECT_DOUBLE_EQ(rate_share(options, 30), 0.1);
  EXPECT_DOUBLE_EQ(rate_share(options, 59), 0.1);
  EXPECT_NEAR(rate_share(options, 60), 0.01, 1e-15);
  EXPECT_NEAR(rate_share(options, 89), 0.01, 1e-15);
}

TEST(FindSchedule, KnowsItsRowsAlone) {
  for (const ScheduleRow& row : schedules()) EXPECT_EQ(&find_schedule(row.name), &row);
  EXPECT_THROW((void)find_schedule("linear"), ConfigError);
}

}  // namespace
}  // namespace ompq::training
