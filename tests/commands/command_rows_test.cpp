#include "ompq/commands/command_rows.h"

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "commands/small_run.h"
#include "ompq/commands/commands.h"
#include "ompq/core/error.h"
#include "ompq/options/command_table.h"

namespace ompq::commands {
namespace {

using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

TEST(CommandRows, AreTheCommandsThatRunNetworksInTheOrderOfTheHelp) {
  std::vector<std::string_view> expected;
  for (const CommandRecord& record : command_table()) {
    if (record.runs_networks) expected.push_back(record.name);
  }
  std::vector<std::string_view> got;
  for (const CommandRow& row : command_rows()) {
    got.push_back(row.name);
    EXPECT_NE(row.json, nullptr) << row.name;
    EXPECT_NE(row.text, nullptr) << row.name;
    EXPECT_EQ(&command_row(row.name), &row);
  }
  EXPECT_EQ(got, expected);
}

TEST(CommandRows, AreNotOfOtherCommands) {
  for (const char* name : {"completion", "evaluate", ""}) {
    EXPECT_THAT([&] { (void)command_row(name); },
                ThrowsMessage<InternalError>(HasSubstr("is not a command that runs networks")))
        << name;
  }
}

TEST(CommandRows, RunWhatTheyAreAskedFor) {
  const ScopedCommand added(
      {.name = "echo", .summary = "answer", .description = "Answers."},
      {.name = "echo",
       .json = [](const Context&) { return std::string("{}"); },
       .text = [](const Context& context) { return context.provenance.command + "\n"; }});
  EXPECT_EQ(run_as_json("echo", {}), "{}");
  EXPECT_EQ(run_as_text("echo", {.provenance = {.command = "ompq echo"}}), "ompq echo\n");
}

TEST(MemoryOf, IsTheOption) {
  const auto context = [](std::string_view command, const GivenOptions& given) {
    return Context{.options = testing::values_of(command, given)};
  };
  const std::string shrink = "shrink it";
  {
    const Context quantize = context("quantize",
                                     {.texts = {{"MODEL", {"net.onnx"}},
                                                {"output", {"out.onnx"}},
                                                {"data", {"images"}},
                                                {"avg-bits", {"3"}},
                                                {"memory", {"1GiB"}}}});
    const MemoryScope scope = memory_of(quantize, "quantize");
    EXPECT_EQ(memory_limit(), std::int64_t{1} << 30);
    EXPECT_EQ(given_memory(), std::int64_t{1} << 30);
    EXPECT_EQ(weight_copies(), kCopiesWhileRounding);
    EXPECT_THAT(over_memory_limit(std::int64_t{3} << 30, 0, shrink), HasSubstr("--memory 3GiB"));
  }
  const Context inspect = context("inspect", {.texts = {{"MODEL", {"net.onnx"}}}});
  const MemoryScope scope = memory_of(inspect, "inspect");
  EXPECT_EQ(memory_limit(), kDefaultMemoryLimit);
  EXPECT_FALSE(given_memory());
  EXPECT_EQ(weight_copies(), kCopiesWhileLoading);
}

TEST(ScopedCommand, ExistsDuringItsLifetime) {
  {
    const ScopedCommand added({.name = "passing", .summary = "", .description = ""},
                              {.name = "passing"});
    EXPECT_EQ(command_row("passing").name, "passing");
    EXPECT_NE(find_command("passing"), nullptr);
  }
  EXPECT_THROW((void)command_row("passing"), InternalError);
  EXPECT_EQ(find_command("passing"), nullptr);
}

}  // namespace
}  // namespace ompq::commands
