#include <regex>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "house/tree.h"

// The version is in CMakeLists.txt. Programs, the library, Python, the man page, packages and the
// documentation site are built with it; documents that have to name it are checked here.

namespace ompq::testing {
namespace {

/// What the first group of `pattern` matches in each line of `file` that has it.
std::vector<std::string> found_in(const std::string& file, const std::string& pattern) {
  const std::regex expression(pattern);
  std::vector<std::string> found;
  for (const Line& line : lines_of(file)) {
    for (std::sregex_iterator at(line.text.begin(), line.text.end(), expression), end; at != end;
         ++at) {
      found.push_back((*at)[1]);
    }
  }
  return found;
}

std::string version_of_the_project() {
  const auto versions = found_in("CMakeLists.txt", "^project\\(ompq VERSION ([0-9.]+)");
  return versions.size() == 1 ? versions[0] : "";
}

/// "0.2" of "0.2.0": what the shared library's name has and find_package() asks for.
std::string minor_version() {
  const std::string version = version_of_the_project();
  return version.substr(0, version.rfind('.'));
}

TEST(Version, IsThatOfTheNewestReleaseInTheChangelog) {
  const auto releases = found_in("CHANGELOG.md", "^## ([0-9]+\\.[0-9]+\\.[0-9]+)");
  ASSERT_FALSE(releases.empty());
  EXPECT_EQ(releases.front(), version_of_the_project());
}

TEST(Version, OfTheSharedLibraryIsThatOfItsDocuments) {
  int checked = 0;
  for (const std::string file :
       {"docs/cpp.md", "examples/cpp/CMakeLists.txt", "tests/consumer/project/CMakeLists.txt"}) {
    for (const std::string pattern :
         {"find_package\\(ompq ([0-9.]+)", "libompq\\.so\\.([0-9.]*[0-9])"}) {
      for (const std::string& named : found_in(file, pattern)) {
        ++checked;
        EXPECT_EQ(named, minor_version()) << file;
      }
    }
  }
  EXPECT_GE(checked, 5);
}

TEST(Version, OfPackagesIsThatOfTheirDocuments) {
  int checked = 0;
  for (const std::string file : {"README.md", "docs/install.md", "docs/quickstart.md"}) {
    for (const std::string& named : found_in(file, "ompq[-_]([0-9]+\\.[0-9]+\\.[0-9]+)")) {
      ++checked;
      EXPECT_EQ(named, version_of_the_project()) << file;
    }
    for (const std::string& named : found_in(file, "libompq([0-9][0-9.]*)")) {
      ++checked;
      EXPECT_EQ(named, minor_version()) << file;
    }
  }
  EXPECT_GE(checked, 5);
}

TEST(Version, OfTheCitationIsThatOfTheProject) {
  EXPECT_EQ(found_in("CITATION.cff", "^version: (.*)$"),
            std::vector<std::string>{version_of_the_project()});
}

}  // namespace
}  // namespace ompq::testing
