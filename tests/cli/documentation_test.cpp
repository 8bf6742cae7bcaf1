#include "documentation.h"

#include <set>
#include <sstream>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ompq/core/atomic_file.h"
#include "ompq/options/command_table.h"
#include "ompq/tables/display_width.h"
#include "option_text.h"
#include "support/paths.h"

namespace ompq::app {
namespace {

using ::testing::HasSubstr;

TEST(ProgramHelp, ListsEveryCommandAndExitStatus) {
  const std::string help = program_help();
  for (const CommandRecord& command : command_table()) {
    EXPECT_THAT(help, HasSubstr("\n  " + std::string(command.name) + " "));
  }
  for (const ExitStatusRow& row : exit_statuses()) {
    EXPECT_THAT(help, HasSubstr("\n  " + std::to_string(row.status) + " "));
  }
}

TEST(RecordsText, ListsEveryCommandAndOption) {
  const std::string text = records_text();
  for (const CommandRecord& command : command_table()) {
    EXPECT_THAT(text, HasSubstr("\"name\": \"" + std::string(command.name) + "\""));
    EXPECT_THAT(text, HasSubstr("\"function\": \"" + function_name(command) + "\""));
    for (const OptionRecord& option : command.options) {
      EXPECT_THAT(text, HasSubstr("\"name\": \"" + std::string(option.name) + "\""))
          << command.name;
    }
  }
  EXPECT_THAT(text, HasSubstr("\"default_text\": \"0.0005 with --optimizer sgd"));
}

TEST(CommandHelp, ShowsEveryOptionWithItsDefaultAndValues) {
  for (const CommandRecord& command : command_table()) {
    const std::string help = command_help(command);
    for (const OptionRecord& option : command.options) {
      EXPECT_THAT(help, HasSubstr(signature(option))) << command.name;
    }
    for (const std::string_view example : command.examples) {
      EXPECT_THAT(help, HasSubstr(std::string(example)));
    }
  }
  const std::string help = command_help(*find_command("quantize"));
  EXPECT_THAT(help, HasSubstr("default 64]"));
  EXPECT_THAT(help, HasSubstr("[required]"));
}

TEST(CommandHelp, FitsATerminalOf88Columns) {
  for (const CommandRecord& command : command_table()) {
    std::istringstream lines(command_help(command));
    for (std::string line; std::getline(lines, line);) {
      const bool given = line.starts_with("Usage:") || line.starts_with("  ompq ") ||
                         line.starts_with("  source ");
      EXPECT_TRUE(given || tables::display_width(line) <= 88U) << line;
    }
  }
}

TEST(Markdown, IsWhatTheRepositoryHolds) {
  const auto file = testing::source_dir() / "docs" / "cli.md";
  EXPECT_EQ(read_file(file), markdown_text()) << "run 'make docs' to write docs/cli.md again";
}

TEST(ManPage, HoldsEveryCommandAndOptionAndNoStrayRequests) {
  const std::string page = man_page_text();
  std::string plain = page;
  for (std::size_t at; (at = plain.find("\\-")) != std::string::npos;) plain.erase(at, 1);
  for (const CommandRecord& command : command_table()) {
    EXPECT_THAT(plain, HasSubstr(".SH OMPQ " + std::string(command.name)));
    for (const OptionRecord& option : command.options) {
      EXPECT_THAT(plain, HasSubstr(signature(option))) << command.name;
    }
  }
  std::istringstream lines(page);
  const std::set<std::string> requests{".TH", ".SH", ".SS", ".TP", ".PP", ".nf", ".fi"};
  for (std::string line; std::getline(lines, line);) {
    EXPECT_TRUE(!line.starts_with('.') || requests.contains(line.substr(0, 3))) << line;
    EXPECT_FALSE(line.starts_with('\'')) << line;
  }
}

}  // namespace
}  // namespace ompq::app
