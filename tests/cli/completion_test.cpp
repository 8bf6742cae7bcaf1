#include "completion.h"

#include <sstream>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ompq/core/atomic_file.h"
#include "ompq/options/command_table.h"
#include "support/paths.h"
#include "support/program.h"

namespace ompq::app {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

/// What bash offers after `words`, the last of which is being typed, in a folder with `file.onnx`.
class BashCompletion : public ::testing::Test {
 protected:
  void SetUp() override {
    write_file_atomically(folder_ / "completion", completion_script("bash"));
    write_file_atomically(folder_ / "file.onnx", "");
  }

  std::vector<std::string> offers(const std::string& words) {
    const std::string script = "source ./completion\nCOMP_WORDS=(" + words +
                               ")\nCOMP_CWORD=$((${#COMP_WORDS[@]} - 1))\n_ompq\n"
                               "printf '%s\\n' \"${COMPREPLY[@]}\"\n";
    write_file_atomically(folder_ / "script", script);
    const auto result =
        testing::run_program({"/bin/bash", "--norc", "script"}, {.directory = folder_.path()});
    EXPECT_EQ(result.status, 0) << result.error;
    EXPECT_EQ(result.error, "");
    std::vector<std::string> found;
    std::istringstream lines(result.output);
    for (std::string line; std::getline(lines, line);) {
      if (!line.empty()) found.push_back(line);
    }
    return found;
  }

  testing::TemporaryDirectory folder_;
};

TEST_F(BashCompletion, OffersCommands) {
  for (const CommandRecord& command : command_table()) {
    EXPECT_THAT(offers("ompq ''"), Contains(std::string(command.name)));
  }
  EXPECT_THAT(offers("ompq qu"), ElementsAre("quantize"));
}

TEST_F(BashCompletion, OffersEveryOptionOfTheCommand) {
  for (const CommandRecord& command : command_table()) {
    const auto found = offers("ompq " + std::string(command.name) + " --");
    EXPECT_EQ(found.size(), command.options.size()) << command.name;
    for (const OptionRecord& option : command.options) {
      EXPECT_THAT(found, Contains("--" + std::string(option.name))) << command.name;
    }
  }
}

TEST_F(BashCompletion, OffersTheChoicesOfAnOption) {
  EXPECT_THAT(offers("ompq search m.onnx --solver ''"), ElementsAre("ilp", "lp", "projection"));
  EXPECT_THAT(offers("ompq search m.onnx --solver p"), ElementsAre("projection"));
  EXPECT_THAT(offers("ompq completion ''"), ElementsAre("bash", "zsh"));
}

TEST_F(BashCompletion, OffersFilesForOperandsAndPathsAndNothingForNumbers) {
  EXPECT_THAT(offers("ompq inspect fi"), ElementsAre("file.onnx"));
  EXPECT_THAT(offers("ompq eval m.onnx --reference fi"), ElementsAre("file.onnx"));
  EXPECT_THAT(offers("ompq eval m.onnx -r fi"), ElementsAre("file.onnx"));
  EXPECT_THAT(offers("ompq search m.onnx --avg-bits ''"), IsEmpty());
}

TEST(ZshCompletion, HoldsEveryCommandOptionAndChoice) {
  const std::string script = completion_script("zsh");
  EXPECT_TRUE(script.starts_with("#compdef ompq\n"));
  for (const CommandRecord& command : command_table()) {
    EXPECT_THAT(script, HasSubstr("'" + std::string(command.name) + ":"));
    for (const OptionRecord& option : command.options) {
      EXPECT_THAT(script, HasSubstr("--" + std::string(option.name) + "["));
    }
  }
  EXPECT_THAT(script, HasSubstr(":SOLVER:(ilp lp projection)"));
}

TEST(ZshCompletion, IsAcceptedByZshWhereThereIsOne) {
  const testing::TemporaryDirectory folder;
  write_file_atomically(folder / "_ompq", completion_script("zsh"));
  if (testing::run_program({"/bin/sh", "-c", "command -v zsh"}).status != 0) {
    GTEST_SKIP() << "zsh is not installed";
  }
  const auto result =
      testing::run_program({"/bin/sh", "-c", "zsh -n _ompq"}, {.directory = folder.path()});
  EXPECT_EQ(result.status, 0) << result.error;
}

}  // namespace
}  // namespace ompq::app
