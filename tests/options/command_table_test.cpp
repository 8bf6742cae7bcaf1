#include "ompq/options/command_table.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "ompq/core/error.h"
#include "ompq/options/given_options.h"

namespace ompq {
namespace {

// The table is data that people edit; these facts keep a slip from reaching users.

/// Operands and options of `command`.
std::vector<OptionRecord> records_of(const CommandRecord& command) {
  std::vector<OptionRecord> records(command.operands.begin(), command.operands.end());
  records.insert(records.end(), command.options.begin(), command.options.end());
  return records;
}

TEST(CommandTable, EveryNameIsUniqueInItsCommand) {
  std::set<std::string_view> commands;
  for (const CommandRecord& command : command_table()) {
    EXPECT_TRUE(commands.insert(command.name).second) << command.name;
    EXPECT_EQ(find_command(command.name), &command);
    std::set<std::string_view> names;
    std::set<char> letters;
    for (const OptionRecord& record : records_of(command)) {
      EXPECT_TRUE(names.insert(record.name).second) << command.name << " " << record.name;
      if (record.short_name != '\0') {
        EXPECT_TRUE(letters.insert(record.short_name).second)
            << command.name << " -" << record.short_name;
      }
    }
  }
  EXPECT_EQ(find_command("quantise"), nullptr);
}

TEST(CommandTable, EveryRecordIsDocumented) {
  for (const CommandRecord& command : command_table()) {
    EXPECT_FALSE(command.summary.empty()) << command.name;
    EXPECT_FALSE(command.description.empty()) << command.name;
    EXPECT_FALSE(command.examples.empty()) << command.name;
    for (const OptionRecord& record : records_of(command)) {
      const std::string place = std::string(command.name) + " " + display_name(record);
      EXPECT_FALSE(record.text.empty()) << place;
      EXPECT_FALSE(record.text.ends_with('.')) << place << ": the stop is set where it is shown";
      EXPECT_EQ(record.value_name.empty(), record.type == OptionType::Flag) << place;
      const bool chooses = record.type == OptionType::Choice || record.type == OptionType::Choices;
      EXPECT_EQ(record.choices.empty(), !chooses) << place;
    }
    for (const OptionRecord& option : command.options) {
      EXPECT_FALSE(option.group.empty()) << command.name << " " << option.name;
    }
  }
}

TEST(CommandTable, EveryDefaultIsAccepted) {
  for (const CommandRecord& command : command_table()) {
    EXPECT_NO_THROW(static_cast<void>(OptionValues::defaults(records_of(command)))) << command.name;
  }
}

/// A value as the option takes it; "" for a type that has no range.
std::string text_of(const OptionRecord& record, double value) {
  switch (record.type) {
    case OptionType::Integer:
    case OptionType::Integers:
    case OptionType::Widths:
    case OptionType::ByteCount:
    case OptionType::ByteCounts:
      return fmt::format("{}", static_cast<std::int64_t>(value));
    case OptionType::NamedWidths:
      return fmt::format("fc={}", static_cast<std::int64_t>(value));
    case OptionType::Number:
    case OptionType::Numbers:
    case OptionType::Count:
    case OptionType::Ratio:
      return fmt::format("{}", value);
    case OptionType::Duration:
      return fmt::format("{}us", value);
    default:
      return "";
  }
}

/// The nearest value of the option's type that lies outside of its range.
double outside(const OptionRecord& record, bool above) {
  const double end = above ? record.upper : record.lower;
  const double infinity = std::numeric_limits<double>::infinity();
  const double next = std::nextafter(end, above ? infinity : -infinity);
  const bool real = text_of(record, 0.5).find('5') != std::string::npos;
  return real ? next : above ? std::max(end + 1, std::ceil(next)) : end - 1;
}

TEST(CommandTable, EveryNumberOutsideOfItsRangeIsRefusedAndItsEndsAreNot) {
  std::set<OptionType> types;
  for (const CommandRecord& command : command_table()) {
    for (const OptionRecord& record : records_of(command)) {
      if (text_of(record, 1).empty()) continue;
      SCOPED_TRACE(fmt::format("{} {}", command.name, display_name(record)));
      types.insert(record.type);
      EXPECT_LT(record.lower, record.upper);
      for (const bool above : {false, true}) {
        const std::string inside = text_of(record, above ? record.upper : record.lower);
        EXPECT_NO_THROW(static_cast<void>(parse_option(record, inside))) << inside;
        const std::string text = text_of(record, outside(record, above));
        EXPECT_THROW(static_cast<void>(parse_option(record, text)), ConfigError) << text;
      }
    }
  }
  EXPECT_GE(types.size(), 9U) << "every type that commands use and that has a range";
}

TEST(CommandTable, DurationsAndSizesOfNothingAreRefused) {
  for (const CommandRecord& command : command_table()) {
    for (const OptionRecord& record : records_of(command)) {
      if (record.type != OptionType::Duration) continue;
      EXPECT_THROW(static_cast<void>(parse_option(record, "0s")), ConfigError) << record.name;
      EXPECT_THROW(static_cast<void>(parse_option(record, "-1s")), ConfigError) << record.name;
      EXPECT_NO_THROW(static_cast<void>(parse_option(record, "1ns"))) << record.name;
    }
  }
}

TEST(CommandTable, RulesNameEveryBudget) {
  for (const std::string_view name : {"search", "quantize", "finetune"}) {
    const CommandRecord& command = *find_command(name);
    std::set<std::string_view> sources;
    for (const OptionRule& rule : command.rules) {
      if (rule.kind != OptionRule::Kind::AtLeastOne) continue;
      for (const std::string_view source : split_choices(rule.names)) sources.insert(source);
    }
    for (const OptionRecord& record : command.options) {
      const bool budget = record.group == "Budget" && record.type != OptionType::Path &&
                          record.type != OptionType::Flag;
      EXPECT_TRUE(!budget || sources.contains(record.name)) << name << " --" << record.name;
    }
  }
}

std::string rate_of(const GivenOptions& given) {
  const CommandRecord& command = *find_command("finetune");
  GivenOptions all = given;
  all.texts["MODEL"] = {"net.onnx"};
  all.texts["data"] = {"images"};
  all.texts["output"] = {"out.onnx"};
  if (!all.flags.contains("float")) all.texts["avg-bits"] = {"3"};
  const OptionValues values = read_options(command, all);
  return fmt::format(
      "{} {} {}", values.number("lr"), values.text("norms"), values.number("distill"));
}

TEST(ConditionalFallbacks, FollowTheOptionThatTheyDependOnAndYieldToTheUser) {
  EXPECT_EQ(rate_of({}), "0.0005 frozen 1");
  EXPECT_EQ(rate_of({.texts = {{"optimizer", {"adamw"}}}}), "1e-05 frozen 1");
  EXPECT_EQ(rate_of({.flags = {"float"}}), "0.0005 trained 0");
  EXPECT_EQ(rate_of({.texts = {{"lr", {"0.3"}}, {"optimizer", {"adamw"}}}}), "0.3 frozen 1");
  EXPECT_EQ(rate_of({.texts = {{"norms", {"frozen"}}, {"distill", {"1"}}}, .flags = {"float"}}),
            "0.0005 frozen 1");
}

TEST(ConditionalFallbacks, ReadAsADefaultInTheHelp) {
  for (const OptionRecord& record : find_command("finetune")->options) {
    if (record.name == "lr") {
      EXPECT_EQ(default_text(record),
                "0.0005 with --optimizer sgd, 0.00001 with --optimizer adamw");
    }
    if (record.name == "norms") {
      EXPECT_EQ(default_text(record), "frozen without --float, trained with --float");
    }
    if (record.name == "batch") {
      EXPECT_EQ(default_text(record), record.fallback);
    }
  }
}

TEST(ConditionalFallbacks, CoverEveryValueOfTheOtherOption) {
  for (const CommandRecord& command : command_table()) {
    for (const OptionRecord& record : records_of(command)) {
      if (record.conditional_fallbacks.empty()) continue;
      const std::string place = fmt::format("{} --{}", command.name, record.name);
      EXPECT_TRUE(record.fallback.empty()) << place;
      std::set<std::string_view> covered;
      for (const ConditionalFallback& condition : record.conditional_fallbacks) {
        EXPECT_NO_THROW(static_cast<void>(parse_option(record, condition.fallback))) << place;
        covered.insert(condition.value);
      }
      for (const OptionRecord& other : records_of(command)) {
        if (other.name != record.conditional_fallbacks.front().option) continue;
        const Choices values = other.type == OptionType::Flag ? Choices("yes|no") : other.choices;
        for (const std::string_view value : split_choices(values)) {
          EXPECT_TRUE(covered.contains(value)) << place << " with " << value;
        }
      }
    }
  }
}

TEST(CommandTable, EveryRuleSpeaksOfOptionsThatThereAre) {
  for (const CommandRecord& command : command_table()) {
    const OptionValues values = OptionValues::defaults(records_of(command));
    for (const OptionRule& rule : command.rules) {
      for (const std::string_view name : split_choices(rule.names)) {
        EXPECT_NO_THROW(static_cast<void>(values.given(name))) << command.name << " " << name;
      }
    }
  }
}

TEST(CommandTable, EveryExampleNamesItsCommandAndOptionsThatThereAre) {
  for (const CommandRecord& command : command_table()) {
    for (const std::string_view example : command.examples) {
      EXPECT_NE(example.find("ompq " + std::string(command.name)), example.npos) << example;
      for (std::size_t at = example.find(" --"); at != example.npos;
           at = example.find(" --", at + 1)) {
        const std::string_view rest = example.substr(at + 3);
        const std::string_view name = rest.substr(0, rest.find(' '));
        const auto known = [&](const OptionRecord& record) { return record.name == name; };
        EXPECT_TRUE(std::ranges::any_of(command.options, known)) << example << ": --" << name;
      }
    }
  }
}

}  // namespace
}  // namespace ompq
