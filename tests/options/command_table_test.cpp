#include "ompq/options/command_table.h"

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

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
