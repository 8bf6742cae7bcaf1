#include "ompq/options/options.h"

#include <array>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ompq/core/error.h"
#include "ompq/core/nearest_name.h"

namespace ompq {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr std::array<OptionRecord, 1> kOperands{
    {{.name = "MODEL", .type = OptionType::Path, .value_name = "MODEL", .required = true}}};

const std::vector<OptionRecord> kOptions{
    {.name = "json"},
    {.name = "bits", .type = OptionType::Integer, .fallback = "8", .lower = 1, .upper = 8},
    {.name = "beta", .type = OptionType::Number, .fallback = "1"},
    {.name = "mean", .type = OptionType::Numbers, .lower = -10, .upper = 10},
    {.name = "widths", .type = OptionType::Integers, .fallback = "2,4", .lower = 1, .upper = 8},
    {.name = "size", .type = OptionType::ByteCount, .lower = 1, .upper = 1e6},
    {.name = "time", .type = OptionType::Duration, .lower = 1e3, .upper = 5e6},
    {.name = "count", .type = OptionType::Count, .lower = 10, .upper = 2e9},
    {.name = "solver", .type = OptionType::Choice, .choices = "ilp|lp"},
    {.name = "beside", .type = OptionType::Choices, .choices = "a|b|c"},
    {.name = "shape", .type = OptionType::NamedShape},
    {.name = "out", .type = OptionType::Path},
};

const OptionRecord& record(std::string_view name) {
  for (const OptionRecord& option : kOptions) {
    if (option.name == name) return option;
  }
  throw InternalError("test", "no such option");
}

std::string refusal(std::string_view name, std::string_view text) {
  try {
    static_cast<void>(parse_option(record(name), text));
  } catch (const ConfigError& error) {
    return error.what();
  }
  ADD_FAILURE() << "--" << name << " took '" << text << "'";
  return "";
}

template <typename T>
T parsed(std::string_view name, std::string_view text) {
  return std::get<T>(parse_option(record(name), text));
}

TEST(ParseOption, ReadsEveryType) {
  EXPECT_EQ(parsed<std::int64_t>("bits", "8"), 8);
  EXPECT_EQ(parsed<double>("beta", "1e-3"), 1e-3);
  EXPECT_EQ(parsed<double>("beta", "1/255"), 1.0 / 255);
  EXPECT_THAT(parsed<std::vector<double>>("mean", "-1,0.5,1/4"), ElementsAre(-1, 0.5, 0.25));
  EXPECT_THAT(parsed<std::vector<std::int64_t>>("widths", "2"), ElementsAre(2));
  EXPECT_EQ(parsed<std::int64_t>("size", "1.5KiB"), 1536);
  EXPECT_EQ(parsed<std::string>("solver", "lp"), "lp");
  EXPECT_THAT(parsed<std::vector<std::string>>("beside", "c,a"), ElementsAre("c", "a"));
  EXPECT_THAT(parsed<NamedShapes>("shape", "a=b=1,-1,4").at("a=b"), ElementsAre(1, -1, 4));
}

TEST(ParseOption, NamesTheOptionTheTextAndWhatIsAccepted) {
  EXPECT_EQ(refusal("bits", "9"), "[--bits] '9' is not a whole number in 1..8");
  EXPECT_EQ(refusal("solver", "ipl"), "[--solver] 'ipl' is not one of ilp, lp");
  EXPECT_EQ(refusal("beside", "a,d"), "[--beside] 'd' is not a list such as a,c of a, b, c");
  EXPECT_EQ(refusal("beta", "-1"), "[--beta] '-1' is not a number, 0 or more");
}

TEST(ParseOption, HoldsSizesCountsAndTimesToTheirRangesAndNamesThese) {
  EXPECT_EQ(refusal("size", "2MB"),
            "[--size] '2MB' is not a size such as 6.7MB, 6.7MiB or 800kB in 1..1000000");
  EXPECT_EQ(refusal("time", "6s"), "[--time] '6s' is not a time such as 3.5ms or 800us in 1ms..5s");
  EXPECT_EQ(refusal("time", "900us"),
            "[--time] '900us' is not a time such as 3.5ms or 800us in 1ms..5s");
  EXPECT_EQ(parsed<double>("time", "1ms"), 1e3);
  refusal("count", "3G");
  refusal("count", "9");
  EXPECT_EQ(parsed<double>("count", "2G"), 2e9);
}

TEST(ParseOption, RefusesWhatIsNotOfTheType) {
  for (const std::string_view text : {"", "0", "1.5", "x", "8x", "99999999999999999999"}) {
    refusal("bits", text);
  }
  for (const std::string_view text : {"", "nan", "inf", "1/0", "1/", "/2", "1,2"}) {
    refusal("beta", text);
  }
  for (const std::string_view text : {"", "2,", ",2", "2,,4", "2 4", "0,2"})
    refusal("widths", text);
  for (const std::string_view text : {"", "0", "-1MB", "big"}) refusal("size", text);
  for (const std::string_view text : {"", "1,2", "=1,2", "x=", "x=1,0", "x=1,-2", "x=a"}) {
    refusal("shape", text);
  }
  refusal("out", "");
}

TEST(OptionValues, HoldDefaultsUntilTheUserGivesSomething) {
  OptionValues values = OptionValues::defaults(kOptions);
  EXPECT_FALSE(values.flag("json"));
  EXPECT_EQ(values.integer("bits"), 8);
  EXPECT_FALSE(values.given("bits"));
  EXPECT_TRUE(values.has("bits"));
  EXPECT_FALSE(values.has("size"));
  EXPECT_EQ(values.maybe_integer("size"), std::nullopt);
  values.set("bits", std::int64_t{3});
  EXPECT_EQ(values.integer("bits"), 3);
  EXPECT_TRUE(values.given("bits"));
}

TEST(OptionValues, RefuseToBeReadUnderAnotherNameOrType) {
  const OptionValues values = OptionValues::defaults(kOptions);
  EXPECT_THROW(static_cast<void>(values.integer("bitz")), InternalError);
  EXPECT_THROW(static_cast<void>(values.text("bits")), InternalError);
  EXPECT_THROW(static_cast<void>(values.integer("size")), InternalError);
}

TEST(OptionValues, TakeTheValueOfAnotherCommand) {
  OptionValues theirs = OptionValues::defaults(kOptions);
  theirs.set("shape", NamedShapes{{"p", {3}}});
  OptionValues values = OptionValues::defaults(kOptions);
  values.take(theirs, "shape");
  EXPECT_TRUE(values.given("shape"));
  EXPECT_EQ(values.shapes("shape"), (NamedShapes{{"p", {3}}}));
  EXPECT_THROW(values.take(theirs, "unknown"), InternalError);
}

TEST(OptionValues, CollectRepeatedShapesAndLetTheLastOneOfANameWin) {
  OptionValues values = OptionValues::defaults(kOptions);
  values.set("shape", parse_option(record("shape"), "a=1,2"));
  values.set("shape", parse_option(record("shape"), "b=3"));
  values.set("shape", parse_option(record("shape"), "a=4"));
  EXPECT_THAT(values.shapes("shape").at("a"), ElementsAre(4));
  EXPECT_THAT(values.shapes("shape").at("b"), ElementsAre(3));
}

class CheckRules : public ::testing::Test {
 protected:
  static constexpr std::array<OptionRule, 2> kRules{
      {{OptionRule::Kind::AtLeastOne, "size|bits", "a search needs a budget"},
       {OptionRule::Kind::AtMostOne, "out|size|bits", "the file already sets it"}}};
  CommandRecord command_{
      .name = "try", .operands = kOperands, .options = kOptions, .rules = kRules};
  OptionValues values_;

  void SetUp() override {
    std::vector<OptionRecord> all = kOptions;
    all.push_back(kOperands[0]);
    values_ = OptionValues::defaults(all);
  }
  std::string refusal() const {
    try {
      check_rules(command_, values_);
    } catch (const ConfigError& error) {
      return error.what();
    }
    return "";
  }
};

TEST_F(CheckRules, NamesAMissingOperand) {
  EXPECT_THAT(refusal(), AllOf(HasSubstr("MODEL is missing"), HasSubstr("ompq try --help")));
}

TEST_F(CheckRules, WantsOneOfTheAlternativesAndCountsNoDefaults) {
  values_.set("MODEL", std::string("m"));
  EXPECT_THAT(refusal(), HasSubstr("at least one of --size, --bits: a search needs a budget"));
  values_.set("bits", std::int64_t{3});
  EXPECT_EQ(refusal(), "");
}

TEST_F(CheckRules, LetsTheFirstExcludeTheOthersButNotTheOthersEachOther) {
  values_.set("MODEL", std::string("m"));
  values_.set("size", std::int64_t{300});
  values_.set("bits", std::int64_t{3});
  EXPECT_EQ(refusal(), "");
  values_.set("out", std::string("o"));
  EXPECT_THAT(refusal(), HasSubstr("--out and --size exclude each other"));
}

TEST(Nearest, FindsWhatWasMeant) {
  const std::vector<std::string_view> known{"inspect", "search", "quantize", "eval", "--avg-bits"};
  EXPECT_EQ(meant_name("quantise", known), "quantize");
  EXPECT_EQ(meant_name("serach", known), "search");
  EXPECT_EQ(meant_name("--avgbits", known), "--avg-bits");
  EXPECT_EQ(meant_name("quant", known), "quantize");
  EXPECT_EQ(meant_name("evaluate", known), "eval");
  EXPECT_EQ(meant_name("xyz", known), "");
  EXPECT_EQ(meant_name("", known), "");
}

}  // namespace
}  // namespace ompq
