#include "ompq/options/given_options.h"

#include <array>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ompq/core/error.h"

namespace ompq {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr std::array<OptionRecord, 1> kRuns{
    {{.name = "RUN", .type = OptionType::Paths, .value_name = "RUN", .required = true}}};

const CommandRecord kCommand{
    .name = "show",
    .operands = kRuns,
    .options = {{.name = "json"},
                {.name = "bits", .type = OptionType::Integer, .fallback = "8", .upper = 8},
                {.name = "exclude", .type = OptionType::Globs},
                {.name = "pin", .type = OptionType::NamedWidths, .lower = 1, .upper = 8}}};

std::string error_of(const GivenOptions& given) {
  try {
    (void)read_options(kCommand, given);
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "no error";
}

TEST(ReadOptions, GivesDefaultsToWhatIsNotGiven) {
  const OptionValues values = read_options(kCommand, {.texts = {{"RUN", {"a"}}}});
  EXPECT_EQ(values.integer("bits"), 8);
  EXPECT_FALSE(values.given("bits"));
  EXPECT_FALSE(values.flag("json"));
}

TEST(ReadOptions, TakesTextsAndFlags) {
  const OptionValues values =
      read_options(kCommand, {.texts = {{"RUN", {"a"}}, {"bits", {"4"}}}, .flags = {"json"}});
  EXPECT_EQ(values.integer("bits"), 4);
  EXPECT_TRUE(values.given("bits"));
  EXPECT_TRUE(values.flag("json"));
}

TEST(ReadOptions, JoinsWhatMayBeRepeated) {
  const OptionValues values = read_options(
      kCommand,
      {.texts = {{"RUN", {"a", "b"}}, {"exclude", {"x,y", "z"}}, {"pin", {"p=3", "q=4"}}}});
  EXPECT_THAT(values.texts("RUN"), ElementsAre("a", "b"));
  EXPECT_THAT(values.globs("exclude"), ElementsAre("x", "y", "z"));
  EXPECT_EQ(values.shapes("pin"), (NamedShapes{{"p", {3}}, {"q", {4}}}));
}

TEST(ReadOptions, RefusesRepetitionOfTheRest) {
  EXPECT_THAT(error_of({.texts = {{"RUN", {"a"}}, {"bits", {"4", "5"}}}}),
              AllOf(HasSubstr("[--bits]"), HasSubstr("given 2 times ('4' and '5')")));
}

TEST(ReadOptions, HoldsTheCommandToItsRules) {
  EXPECT_THAT(error_of({}), HasSubstr("RUN is missing"));
}

}  // namespace
}  // namespace ompq
