#include "support/program.h"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "documentation.h"
#include "ompq/core/version.h"
#include "ompq/options/command_table.h"

// The program as it was built: exit statuses, and which stream gets what.

namespace ompq::testing {
namespace {

using ::testing::AllOf;
using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::Not;

ProgramResult ompq(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), OMPQ_PROGRAM);
  return run_program(arguments);
}

ProgramResult shell(const std::string& command) { return run_program({"/bin/sh", "-c", command}); }

TEST(Program, PrintsHelpOnStandardOutput) {
  const ProgramResult result = ompq({"--help"});
  EXPECT_EQ(result.status, 0);
  EXPECT_EQ(result.output, app::program_help());
  EXPECT_EQ(result.error, "");
  for (const CommandRecord& command : command_table()) {
    EXPECT_EQ(ompq({std::string(command.name), "--help"}).output, app::command_help(command));
  }
}

TEST(Program, PrintsItsVersionAndThatOfTheLibraries) {
  EXPECT_EQ(ompq({"--version"}).output, std::string("ompq ") + version() + "\n");
  const ProgramResult result = ompq({"--version", "--verbose"});
  EXPECT_EQ(result.status, 0);
  for (const char* library : {"LibTorch", "oneDNN", "CBC", "CLP", "protobuf", "fmt"}) {
    EXPECT_THAT(result.output, ContainsRegex(std::string("\n") + library + " [0-9]+\\.[0-9]+"));
  }
}

TEST(Program, AnswersHelpWithoutLoadingLibTorch) {
  // What the dynamic loader would load at start; the engine, which needs more, is not among it.
  const ProgramResult result = shell("LD_TRACE_LOADED_OBJECTS=1 '" OMPQ_PROGRAM "'");
  EXPECT_THAT(result.output, HasSubstr("libstdc++"));
  EXPECT_THAT(result.output, Not(HasSubstr("torch")));
  EXPECT_THAT(result.output, Not(HasSubstr("protobuf")));
}

TEST(Program, ExitsWithTwoAndTheWayOutOnWrongUsage) {
  const ProgramResult result = ompq({"inspekt", "m.onnx"});
  EXPECT_EQ(result.status, 2);
  EXPECT_EQ(result.output, "");
  EXPECT_EQ(result.error, "ompq: [ompq] unknown command 'inspekt'; did you mean 'inspect'?\n");
}

TEST(Program, ExitsWithThreeWhereAFileIsMissing) {
  const ProgramResult result = ompq({"inspect", "no-such-file.onnx"});
  EXPECT_EQ(result.status, 3);
  EXPECT_EQ(result.output, "");
  EXPECT_THAT(result.error, AllOf(HasSubstr("ompq: ["), HasSubstr("no-such-file.onnx")));
}

TEST(Program, FailsWhereStandardOutputTakesNothing) {
  const ProgramResult result = shell("'" OMPQ_PROGRAM "' --help >/dev/full");
  EXPECT_EQ(result.status, 3);
  EXPECT_THAT(result.error, HasSubstr("[standard output] cannot be written"));
}

TEST(Program, FailsWhereStandardOutputIsClosed) {
  const ProgramResult result = shell("'" OMPQ_PROGRAM "' --help >&-");
  EXPECT_EQ(result.status, 3);
  EXPECT_THAT(result.error, HasSubstr("[standard output] cannot be written: Bad file descriptor"));
}

TEST(Program, KeepsItsStatusWhereStandardErrorTakesNothing) {
  for (const char* stream : {"2>/dev/full", "2>&-", ">&- 2>&-", "<&- >&- 2>&-"}) {
    EXPECT_EQ(shell(std::string("'" OMPQ_PROGRAM "' inspekt m.onnx ") + stream).status, 2)
        << stream;
  }
}

TEST(Program, PrintsCompletionScripts) {
  EXPECT_THAT(ompq({"completion", "bash"}).output,
              HasSubstr("complete -o filenames -F _ompq ompq"));
  EXPECT_THAT(ompq({"completion", "zsh"}).output, HasSubstr("#compdef ompq"));
  EXPECT_EQ(ompq({"completion", "fish"}).status, 2);
}

TEST(Program, FindsItsEngineThroughALink) {
  const ProgramResult result = shell("d=$(mktemp -d) && ln -s '" OMPQ_PROGRAM
                                     "' \"$d/other name\" && \"$d/other name\" --version "
                                     "--verbose; s=$?; rm -r \"$d\"; exit $s");
  EXPECT_EQ(result.status, 0) << result.error;
}

}  // namespace
}  // namespace ompq::testing
