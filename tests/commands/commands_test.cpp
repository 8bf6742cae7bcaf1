#include "ompq/commands/commands.h"

#include <set>
#include <string>
#include <string_view>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ompq/core/error.h"
#include "ompq/options/command_table.h"
#include "ompq/options/given_options.h"
#include "support/paths.h"

namespace ompq::commands {
namespace {

using ::testing::HasSubstr;

/// Every operand and required option names a file that is not there; one budget is given.
Context context_for(const CommandRecord& command) {
  GivenOptions given;
  for (const OptionRecord& record : all_records(command)) {
    if (record.required) given.texts[record.name] = {"missing.onnx"};
    if (record.name == "avg-bits") given.texts[record.name] = {"3"};
  }
  return {.options = read_options(command, given)};
}

TEST(RunAsJson, RunsEveryCommandThatRunsNetworks) {
  int ran = 0;
  for (const CommandRecord& command : command_table()) {
    if (!command.runs_networks) continue;
    ++ran;
    try {
      (void)run_as_json(command.name, context_for(command));
      ADD_FAILURE() << command.name << " ran a network that is not there";
    } catch (const InternalError& error) {
      ADD_FAILURE() << command.name << ": " << error.what();
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), HasSubstr("missing.onnx")) << command.name;
    }
  }
  EXPECT_GT(ran, 5);
}

TEST(RunAsJson, RefusesCommandsThatRunNone) {
  EXPECT_THROW((void)run_as_json("completion", {}), InternalError);
  EXPECT_THROW((void)run_as_json("evaluate", {}), InternalError);  // the function, not the command
}

TEST(FunctionName, IsACppNameOfItsOwnForEachCommand) {
  std::set<std::string> names;
  for (const CommandRecord& command : command_table()) {
    const std::string name = function_name(command);
    EXPECT_EQ(name.find_first_not_of("abcdefghijklmnopqrstuvwxyz_"), name.npos) << name;
    EXPECT_TRUE(names.insert(name).second) << name;
  }
  EXPECT_TRUE(names.contains("evaluate"));
  EXPECT_TRUE(names.contains("latency_table"));
}

}  // namespace
}  // namespace ompq::commands
