#include "ompq/core/version.h"

#include <fstream>
#include <iterator>
#include <regex>
#include <string>

#include <gtest/gtest.h>

#include "support/paths.h"

namespace ompq {
namespace {

TEST(Version, IsThatOfTheProject) {
  std::ifstream in(testing::source_dir() / "CMakeLists.txt");
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  std::smatch found;
  ASSERT_TRUE(std::regex_search(text, found, std::regex("project\\(ompq VERSION ([0-9.]+)")));
  EXPECT_EQ(version(), found[1].str());
}

}  // namespace
}  // namespace ompq
