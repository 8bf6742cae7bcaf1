#include "ompq/training/check_options.h"

#include <cmath>
#include <functional>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ompq/core/error.h"

namespace ompq::training {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

/// The message for the default options with one change.
std::string message_with(const std::function<void(TrainerOptions&)>& change) {
  TrainerOptions options;
  change(options);
  try {
    check_options(options);
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "accepted";
}

TEST(CheckOptions, AcceptsTheDefaultsAndTheBounds) {
  EXPECT_EQ(message_with([](TrainerOptions&) {}), "accepted");
  EXPECT_EQ(message_with([](TrainerOptions& o) { o.optimizer.rate = 0.0; }), "accepted");
  EXPECT_EQ(message_with([](TrainerOptions& o) { o.loss.distillation = 1.0; }), "accepted");
  EXPECT_EQ(message_with([](TrainerOptions& o) { o.schedule.warmup_steps = 1000; }), "accepted");
}

TEST(CheckOptions, NamesTheOptionItsValueAndItsRange) {
  EXPECT_THAT(message_with([](TrainerOptions& o) { o.optimizer.momentum = 1.0; }),
              HasSubstr("momentum = 1 is outside 0.."));
  EXPECT_THAT(message_with([](TrainerOptions& o) { o.accumulation = 0; }),
              HasSubstr("accumulation = 0 is outside 1..1000000"));
  EXPECT_THAT(message_with([](TrainerOptions& o) { o.loss.distillation = 1.5; }),
              HasSubstr("share of distillation = 1.5 is outside 0..1"));
  EXPECT_THAT(message_with([](TrainerOptions& o) { o.schedule.warmup_steps = 1001; }),
              HasSubstr("warm-up steps = 1001 is outside 0..1000"))
      << "no more than all steps";
  EXPECT_THAT(message_with([](TrainerOptions& o) { o.average_decay = -0.1; }),
              HasSubstr("decay of averages = -0.1"));
}

TEST(CheckOptions, RejectsNaN) {
  EXPECT_THAT(message_with([](TrainerOptions& o) { o.optimizer.rate = std::nan(""); }),
              HasSubstr("rate = nan"));
}

TEST(CheckOptions, NamesTheNearestOptimizerAndSchedule) {
  EXPECT_THAT(message_with([](TrainerOptions& o) { o.optimizer.name = "adam"; }),
              AllOf(HasSubstr("'adam'"), HasSubstr("adamw")));
  EXPECT_THAT(message_with([](TrainerOptions& o) { o.schedule.name = "cosin"; }),
              AllOf(HasSubstr("'cosin'"), HasSubstr("cosine")));
}

}  // namespace
}  // namespace ompq::training
