#include "ompq/qat/finetune_options.h"

#include <map>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ompq::qat {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Key;
using ::testing::Not;
using ::testing::Pair;
using ::testing::StartsWith;

TEST(NamedChoices, AreOptionsOfTheCommandWithTheirValues) {
  FinetuneOptions options;
  options.trainer.optimizer.rate = 0.02;
  options.norms = Norms::Reestimated;
  options.trainer.optimizer.nesterov = true;
  options.patience = 4;
  const auto choices = named_choices(options);
  EXPECT_THAT(choices, Contains(Pair("--lr", "0.02")));
  EXPECT_THAT(choices, Contains(Pair("--norms", "reestimated")));
  EXPECT_THAT(choices, Contains(Pair("--nesterov", "yes")));
  EXPECT_THAT(choices, Contains(Pair("--float", "no")));
  EXPECT_THAT(choices, Contains(Pair("--patience", "4")));
  EXPECT_THAT(named_choices({}), Contains(Pair("--patience", "none")));
  for (const auto& [name, value] : choices) EXPECT_THAT(name, StartsWith("--"));
}

TEST(NamedChoices, LeaveOutOptionsThatDoNotChangeTheResult) {
  const auto choices = named_choices({});
  for (const char* name : {"--threads", "--cache", "--checkpoint-every"}) {
    EXPECT_THAT(choices, Not(Contains(Key(name))));
  }
  FinetuneOptions faster;
  faster.trainer.threads = 7;
  faster.cache_bytes = 5;
  faster.checkpoint_seconds = 1.0;
  EXPECT_EQ(named_choices(faster), choices);
}

TEST(UnnamedChoices, ChangeWithValuesThatOnlyProgramsSet) {
  const FinetuneOptions options;
  const std::string text = unnamed_choices(options);
  EXPECT_THAT(text, HasSubstr("epsilon 1e-08\n"));
  EXPECT_THAT(text, Not(HasSubstr("lr ")));
  FinetuneOptions changed;
  changed.trainer.optimizer.epsilon = 1e-6;
  EXPECT_NE(unnamed_choices(changed), text);
  EXPECT_EQ(named_choices(changed), named_choices(options));
  changed = {};
  changed.trainer.optimizer.rate = 1.0;
  EXPECT_EQ(unnamed_choices(changed), text);
}

}  // namespace
}  // namespace ompq::qat
