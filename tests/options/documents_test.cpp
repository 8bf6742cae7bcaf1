#include <algorithm>
#include <filesystem>
#include <fstream>
#include <regex>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "ompq/options/command_table.h"
#include "support/paths.h"

// Command lines in the documents use commands and options that exist. scripts/check_guides runs
// those of the guides.

namespace ompq {
namespace {

namespace fs = std::filesystem;

/// Lines of a document's `sh` blocks, continued ones joined, without comments.
std::vector<std::string> shell_lines(const fs::path& document) {
  std::ifstream in(document);
  std::vector<std::string> lines;
  bool in_shell = false;
  bool continues = false;
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with("```")) {
      in_shell = line == "```sh";
      continue;
    }
    if (!in_shell) continue;
    line = line.substr(0, line.find(" #"));
    const bool goes_on = line.ends_with('\\');
    if (goes_on) line.pop_back();
    if (continues) {
      lines.back() += line;
    } else {
      lines.push_back(line);
    }
    continues = goes_on;
  }
  return lines;
}

/// "quantize net.onnx --data images" for each call of the program in a line.
std::vector<std::string> calls_in(const std::string& line) {
  static const std::regex call("(?:^|[ /])ompq ([a-z][^|&;>]*)");
  std::vector<std::string> calls;
  for (std::sregex_iterator at(line.begin(), line.end(), call), end; at != end; ++at) {
    calls.push_back((*at)[1]);
  }
  return calls;
}

/// Names of options that the call uses and its command does not have; "no such command" if that is
/// so.
std::vector<std::string> unknown_in(const std::string& call) {
  static const std::regex option("(?:^| )--([a-z][a-z0-9-]*)");
  const CommandRecord* command = find_command(call.substr(0, call.find(' ')));
  if (command == nullptr) return {"no such command"};
  std::vector<std::string> unknown;
  for (std::sregex_iterator at(call.begin(), call.end(), option), end; at != end; ++at) {
    const std::string name = (*at)[1];
    const bool known = std::ranges::any_of(
        command->options, [&](const OptionRecord& record) { return record.name == name; });
    if (!known) unknown.push_back("--" + name);
  }
  return unknown;
}

std::vector<fs::path> documents() {
  std::vector<fs::path> files{testing::source_dir() / "README.md"};
  for (const auto& entry : fs::recursive_directory_iterator(testing::source_dir() / "docs")) {
    if (entry.path().extension() == ".md") files.push_back(entry.path());
  }
  return files;
}

TEST(Documents, UseCommandsAndOptionsThatExist) {
  int checked = 0;
  for (const fs::path& document : documents()) {
    for (const std::string& line : shell_lines(document)) {
      for (const std::string& call : calls_in(line)) {
        ++checked;
        EXPECT_EQ(unknown_in(call), std::vector<std::string>{}) << document << ": " << line;
      }
    }
  }
  EXPECT_GT(checked, 50);
}

TEST(Documents, AreSearchedForCalls) {
  EXPECT_EQ(calls_in("timeout 8 ompq eval a.onnx --data b >log"),
            std::vector<std::string>{"eval a.onnx --data b "});
  EXPECT_EQ(calls_in("build/release/bin/ompq inspect a.onnx"),
            std::vector<std::string>{"inspect a.onnx"});
  EXPECT_EQ(calls_in("pip install ompq"), std::vector<std::string>{});
  EXPECT_EQ(unknown_in("quantize a.onnx --size 1MB --dance 3"),
            std::vector<std::string>{"--dance"});
  EXPECT_EQ(unknown_in("dance a.onnx"), std::vector<std::string>{"no such command"});
}

}  // namespace
}  // namespace ompq
