#include <filesystem>
#include <regex>
#include <set>
#include <string>

#include <gtest/gtest.h>

#include "house/tree.h"

// Pages that only the documentation site has name everything that they should. The site's own build
// finds documents that no list of contents names.

namespace ompq::testing {
namespace {

namespace fs = std::filesystem;

TEST(Site, ReferenceHasEveryPublicHeader) {
  std::set<std::string> shown;
  const std::regex directive("^\\.\\. doxygenfile:: (.*)$");
  for (const Line& line : lines_of("site/reference/cpp.md")) {
    std::smatch found;
    if (std::regex_search(line.text, found, directive)) shown.insert(found[1]);
  }
  std::set<std::string> headers;
  for (const std::string& file : text_files("include/ompq")) {
    const std::string name = fs::path(file).filename().string();
    headers.insert(name == "ompq.h.in" ? "ompq.h" : name);
  }
  EXPECT_EQ(shown, headers);
}

}  // namespace
}  // namespace ompq::testing
