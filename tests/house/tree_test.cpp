#include "house/tree.h"

#include <algorithm>
#include <filesystem>
#include <regex>
#include <set>
#include <string>

#include <gtest/gtest.h>

#include "support/paths.h"

namespace ompq::testing {
namespace {

namespace fs = std::filesystem;

/// One fact about every line of every text file: none matches `pattern`.
void expect_nowhere(const std::string& pattern) {
  const std::regex expression(pattern);
  int files = 0;
  for (const std::string& file : text_files("")) {
    ++files;
    for (const Line& line : lines_of(file)) {
      EXPECT_FALSE(std::regex_search(line.text, expression)) << place(line);
    }
  }
  EXPECT_GT(files, 50);
}

// The patterns are put together here, so that this file does not match itself.

TEST(Tree, SpeaksOfNobodysMachine) {
  const std::string slash = "/";
  // A home, a workplace or a scratch folder by an absolute path.
  expect_nowhere("(^|[^A-Za-z0-9_.~)}*-])" + slash + "(home|root|work|Users|mnt|tmp)" + slash);
}

TEST(Tree, HoldsNoUnfinishedMarks) {
  const std::string mark = std::string("TO") + "DO|FIX" + "ME|XX" + "X[^X]";
  expect_nowhere("(^|[^A-Za-z])(" + mark + ")([^A-Za-z]|$)");
}

TEST(Tree, EverySourceFileGuardsItselfAndStaysOfReadableSize) {
  constexpr std::size_t kMostLines = 600;
  for (const std::string folder : {"src", "apps", "python", "tests"}) {
    for (const std::string& file : text_files(folder)) {
      const std::string extension = fs::path(file).extension().string();
      if (extension != ".h" && extension != ".cpp") continue;
      const auto lines = lines_of(file);
      EXPECT_LE(lines.size(), kMostLines) << file;
      if (extension != ".h") continue;
      EXPECT_TRUE(std::ranges::any_of(lines, [](const Line& line) {
        return line.text == "#pragma once";
      })) << file;
    }
  }
}

/// fields::parse limits nesting and says what to do; the library's own function does neither.
TEST(Tree, ReadsJsonOfOthersInOnePlace) {
  // The reader itself, and two that read again what this program has just written.
  const std::set<std::string> may{
      "src/ompq/fields/read.cpp", "src/ompq/fields/write.h", "src/ompq/pipeline/journal.cpp"};
  const std::regex call("[Jj]son::(parse|accept|sax_parse|from_cbor|from_msgpack)\\(");
  int found = 0;
  for (const std::string folder : {"src", "apps", "python"}) {
    for (const std::string& file : text_files(folder)) {
      for (const Line& line : lines_of(file)) {
        if (!std::regex_search(line.text, call)) continue;
        ++found;
        EXPECT_TRUE(may.contains(file)) << place(line);
      }
    }
  }
  EXPECT_GT(found, 2);
}

/// core/atomic_file and core/append_file leave neither half files nor files of another kind.
TEST(Tree, WritesFilesInOneRoom) {
  const std::set<std::string> may{"src/ompq/core/atomic_file.cpp", "src/ompq/core/append_file.cpp"};
  const std::regex call("ofstream|fopen\\(|O_CREAT|O_WRONLY|O_RDWR|::rename\\(|resize_file\\(");
  int found = 0;
  for (const std::string folder : {"src", "apps", "python"}) {
    for (const std::string& file : text_files(folder)) {
      const std::string extension = fs::path(file).extension().string();
      if (extension != ".h" && extension != ".cpp") continue;
      for (const Line& line : lines_of(file)) {
        if (!std::regex_search(line.text, call)) continue;
        ++found;
        EXPECT_TRUE(may.contains(file)) << place(line);
      }
    }
  }
  EXPECT_GT(found, 2);
}

}  // namespace
}  // namespace ompq::testing
