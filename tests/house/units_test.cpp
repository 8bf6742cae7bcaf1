#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "house/tree.h"
#include "support/paths.h"

// A unit is a source with a header of its name: src/ompq/ROOM/UNIT.cpp and UNIT.h. Its test is
// tests/ROOM/UNIT_test.cpp. A source without such a header implements another unit's (a family:
// image formats, kernels, rows of a table), whose test covers it; a header without a source is
// covered where it is used.

namespace ompq::testing {
namespace {

namespace fs = std::filesystem;

/// "ROOM/UNIT" of all units.
std::set<std::string> all_units() {
  const std::vector<std::string> files = text_files("src/ompq");
  const std::set<std::string> known(files.begin(), files.end());
  std::set<std::string> units;
  for (const std::string& file : files) {
    fs::path path(file);
    const std::string room = room_of(file);
    if (room.empty() || path.extension() != ".cpp") continue;
    if (path.parent_path() != fs::path("src/ompq") / room) continue;  // a family in its folder
    if (!known.contains(path.replace_extension(".h").generic_string())) continue;
    units.insert(room + "/" + path.stem().string());
  }
  return units;
}

TEST(Units, HaveTheirTestsAtTheMatchingPlace) {
  const std::set<std::string> units = all_units();
  EXPECT_TRUE(units.contains("graph/graph") && units.contains("allocation/request"));
  EXPECT_FALSE(units.contains("graph/passes") || units.contains("graph/fuse"))
      << "a header without a source, and the reverse";
  for (const std::string& unit : units) {
    EXPECT_TRUE(fs::exists(source_dir() / "tests" / (unit + "_test.cpp")))
        << "src/ompq/" << unit << ".cpp has no test; write tests/" << unit << "_test.cpp";
  }
}

}  // namespace
}  // namespace ompq::testing
