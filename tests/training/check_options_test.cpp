#include "ompq/training/check_options.h"

#include <cmath>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ompq/core/error.h"

namespace ompq::training {
namespace {

using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

TEST(CheckOptions, NamesWhatIsOutOfRange) {
  TrainerOptions options;
  EXPECT_NO_THROW(check_options(options));
  options.optimizer.momentum = 1.0;
  EXPECT_THROW(check_options(options), ConfigError);
  options = {};
  options.optimizer.name = "adam";
  EXPECT_THROW(check_options(options), ConfigError);
  options = {};
  options.schedule.name = "cosin";
  EXPECT_THROW(check_options(options), ConfigError);
  options = {};
  options.accumulation = 0;
  EXPECT_THROW(check_options(options), ConfigError);
  options = {};
  options.optimizer.rate = std::nan("");
  EXPECT_THROW(check_options(options), ConfigError);
}

/// The message after a change of the defaults.
template <typename Change>
auto message_after(Change change) {
  return [change] {
    TrainerOptions options;
    change(options);
    check_options(options);
  };
}

TEST(CheckOptions, SaysTheValueAndItsRange) {
  EXPECT_THAT(message_after([](TrainerOptions& o) { o.schedule.final_share = 1.5; }),
              ThrowsMessage<ConfigError>(HasSubstr("final share = 1.5 is outside 0..1")));
  EXPECT_THAT(message_after([](TrainerOptions& o) { o.loss.temperature = 0; }),
              ThrowsMessage<ConfigError>(HasSubstr("temperature = 0 is outside 0.001..1000")));
  EXPECT_THAT(message_after([](TrainerOptions& o) { o.schedule.warmup_steps = 1001; }),
              ThrowsMessage<ConfigError>(HasSubstr("warm-up steps = 1001 is outside 0..1000")))
      << "of the default 1000 steps";
  EXPECT_THAT(message_after([](TrainerOptions& o) { o.average_decay = 1; }),
              ThrowsMessage<ConfigError>(HasSubstr("decay of averages = 1 is outside")));
}

TEST(CheckOptions, TakesTheEndsOfRanges) {
  const auto distilled = message_after([](TrainerOptions& o) {
    o.loss.distillation = 1;
    o.schedule.final_share = 1;
    o.schedule.warmup_steps = o.schedule.total_steps;
    o.optimizer.rate = 0;
    o.optimizer.momentum = 0;
  });
  EXPECT_NO_THROW(distilled());
}

}  // namespace
}  // namespace ompq::training
