#include <algorithm>
#include <array>
#include <map>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "house/tree.h"

// docs/architecture.md holds a table of rooms: who may include whom, and which third-party headers
// a room may see. The tree is held to it.

namespace ompq::testing {
namespace {

struct Room {
  std::set<std::string> may_include;
  std::set<std::string> libraries;
};

std::set<std::string> words(const std::string& text) {
  std::istringstream stream(text);
  std::set<std::string> found;
  for (std::string word; stream >> word;) {
    std::erase_if(word, [](char c) { return c == '`' || c == ','; });
    if (!word.empty()) found.insert(word);
  }
  return found;
}

/// The name of a row of the table of rooms; "" for any other line.
std::string row_name(const Line& line) {
  static const std::regex row("\\| `([a-z_]+)` \\|.*\\|.*\\|.*\\|");
  std::smatch found;
  return std::regex_match(line.text, found, row) ? found[1].str() : "";
}

/// Rows "| `room` | what it does | `room`, ... | `library`, ... |".
std::map<std::string, Room> documented_rooms() {
  std::map<std::string, Room> rooms;
  for (const Line& line : lines_of("docs/architecture.md")) {
    const std::string name = row_name(line);
    if (name.empty()) continue;
    std::istringstream row(line.text);
    std::array<std::string, 5> cells;
    for (std::string& cell : cells) std::getline(row, cell, '|');
    rooms[name] = {words(cells[3]), words(cells[4])};
  }
  return rooms;
}

TEST(Rooms, StandInTheTableAndTheTableInTheTree) {
  std::set<std::string> documented;
  for (const auto& [name, room] : documented_rooms()) documented.insert(name);
  std::set<std::string> built;
  for (const std::string& file : text_files("src/ompq")) {
    if (const std::string room = room_of(file); !room.empty()) built.insert(room);
  }
  EXPECT_EQ(documented, built);
}

/// What the table calls the public headers, which are in no room.
constexpr const char* kPublic = "include";

/// The room of a header "ompq/...", or kPublic.
std::string room_included(const std::string& header) {
  const std::string room = room_of(std::string_view(header).substr(1));
  return room.empty() ? kPublic : room;
}

TEST(Rooms, KnowOnlyRoomsAboveThemInTheTable) {
  std::set<std::string> above{kPublic};
  const auto rooms = documented_rooms();
  for (const Line& line : lines_of("docs/architecture.md")) {
    const std::string name = row_name(line);
    if (name.empty()) continue;
    for (const std::string& other : rooms.at(name).may_include) {
      EXPECT_TRUE(above.contains(other)) << place(line) << "\n"
                                         << other << " stands below " << name;
    }
    above.insert(name);
  }
}

TEST(Rooms, IncludeOnlyWhatTheTableAllows) {
  const auto rooms = documented_rooms();
  int checked = 0;
  for (const std::string& file : text_files("src/ompq")) {
    const std::string room = room_of(file);
    if (!rooms.contains(room)) continue;
    for (const Line& line : lines_of(file)) {
      const std::string header = included(line);
      if (!header.starts_with("\"ompq/")) continue;
      const std::string other = room_included(header);
      ++checked;
      EXPECT_TRUE(other == room || rooms.at(room).may_include.contains(other))
          << place(line) << "\n"
          << room << " may not know " << other;
    }
  }
  EXPECT_GT(checked, 100);
}

TEST(Rooms, SeeOnlyTheLibrariesOfTheirRow) {
  constexpr std::array<std::string_view, 4> kEverywhere{"fmt/", "spdlog/", "sys/", "ompq/"};
  const auto rooms = documented_rooms();
  for (const std::string& file : text_files("src/ompq")) {
    const std::string room = room_of(file);
    if (!rooms.contains(room)) continue;
    for (const Line& line : lines_of(file)) {
      const std::string header = included(line);
      if (!header.starts_with("<")) continue;
      const std::string name = header.substr(1, header.size() - 2);
      // Standard headers have neither a folder nor an extension; those of the system and compiler
      // are listed by name.
      static const std::set<std::string> kSystem{"fcntl.h",
                                                 "unistd.h",
                                                 "spawn.h",
                                                 "poll.h",
                                                 "immintrin.h",
                                                 "omp.h",
                                                 "cpuid.h",
                                                 "malloc.h"};
      if (name.find_first_of("/.") == name.npos || kSystem.contains(name)) continue;
      const auto starts = [&](std::string_view prefix) { return name.starts_with(prefix); };
      EXPECT_TRUE(std::ranges::any_of(kEverywhere, starts) ||
                  std::ranges::any_of(rooms.at(room).libraries, starts))
          << place(line) << "\n"
          << room << " may not see <" << name << ">";
    }
  }
}

TEST(Rooms, LinkOnlyToWhatTheTableAllows) {
  const auto rooms = documented_rooms();
  for (const auto& [name, room] : rooms) {
    bool in_deps = false;
    for (const Line& line : lines_of("src/ompq/" + name + "/CMakeLists.txt")) {
      std::istringstream row(line.text);
      for (std::string word; row >> word;) {
        std::erase_if(word, [](char c) { return c == ')'; });
        if (word == "DEPS") {
          in_deps = true;
        } else if (std::ranges::any_of(word, [](char c) { return c >= 'A' && c <= 'Z'; })) {
          in_deps = false;
        } else if (in_deps) {
          EXPECT_TRUE(room.may_include.contains(word)) << place(line) << "\n"
                                                       << name << " may not link to " << word;
        }
      }
    }
  }
}

TEST(Rooms, ProgramReachesTheRestThroughCommands) {
  // It composes nothing itself.
  const std::set<std::string> rooms{"core", "options", "commands", "report", "tables"};
  int checked = 0;
  for (const std::string& file : text_files("apps/ompq")) {
    for (const Line& line : lines_of(file)) {
      const std::string header = included(line);
      if (!header.starts_with("\"ompq/")) continue;
      ++checked;
      EXPECT_TRUE(rooms.contains(room_of(std::string_view(header).substr(1)))) << place(line);
    }
  }
  EXPECT_GT(checked, 0);
}

/// Where a quoted include of `file` lies in the checkout: next to the file, or below one of the
/// folders that are searched. "" where it is not there.
std::string resolved(const std::string& file, const std::string& header) {
  const std::string name = header.substr(1, header.size() - 2);
  const std::string folder = file.substr(0, file.find_last_of('/') + 1);
  static const std::set<std::string> tree = [] {
    const std::vector<std::string> all = text_files("");
    return std::set<std::string>(all.begin(), all.end());
  }();
  for (const std::string& root : {folder,
                                  std::string("src/"),
                                  std::string("include/"),
                                  std::string("tests/"),
                                  std::string(),
                                  std::string("apps/ompq/"),
                                  std::string("apps/ompq/engine/"),
                                  std::string("examples/train_fashion_mnist/")}) {
    if (tree.contains(root + name)) return root + name;
    if (tree.contains(root + name + ".in")) return root + name;  // which the build writes
  }
  return "";
}

bool is_quoted(const std::string& header) { return header.starts_with("\""); }

TEST(Includes, LeadToAFileOfTheTree) {
  int checked = 0;
  for (const std::string folder :
       {"include", "src", "apps", "python", "tests", "bench", "examples"}) {
    for (const std::string& file : text_files(folder)) {
      if (!file.ends_with(".h") && !file.ends_with(".cpp")) continue;
      for (const Line& line : lines_of(file)) {
        const std::string header = included(line);
        if (!is_quoted(header)) continue;
        ++checked;
        const std::string target = resolved(file, header);
        EXPECT_FALSE(target.empty()) << place(line) << "\n" << header << " is not in the tree";
        EXPECT_TRUE(folder != "src" || target.starts_with("src/ompq/") ||
                    target.starts_with("include/"))
            << place(line) << "\nthe library may not know " << target;
        EXPECT_TRUE(folder != "include" || target.starts_with("include/ompq/"))
            << place(line) << "\na public header may not know " << target;
      }
    }
  }
  EXPECT_GT(checked, 1000);
}

TEST(Includes, OfPublicHeadersAreOfTheStandardLibraryAlone) {
  int checked = 0;
  for (const std::string& file : text_files("include")) {
    for (const Line& line : lines_of(file)) {
      const std::string header = included(line);
      if (!header.starts_with("<")) continue;
      ++checked;
      // Headers of C++ have neither a folder nor an extension; the C interface has one header of C.
      const bool is_c = file == "include/ompq.h" && header == "<stdint.h>";
      EXPECT_TRUE(is_c || header.find_first_of("/.") == header.npos) << place(line);
    }
  }
  EXPECT_GT(checked, 20);
}

/// Headers and sources of one name are one unit.
std::string unit_of(const std::string& file) { return file.substr(0, file.find_last_of('.')); }

/// Follows includes from unit to unit; `path` are those on the way.
class CycleSearch {
 public:
  explicit CycleSearch(std::map<std::string, std::set<std::string>> includes)
      : includes_(std::move(includes)) {}

  std::vector<std::string> cycles() {
    for (const auto& [unit, unused] : includes_) visit(unit);
    return found_;
  }

 private:
  void visit(const std::string& unit) {
    const auto on_path = std::find(path_.begin(), path_.end(), unit);
    if (on_path != path_.end()) {
      std::string text;
      for (auto step = on_path; step != path_.end(); ++step) text += *step + " -> ";
      found_.push_back(text + unit);
    }
    if (!seen_.insert(unit).second) return;
    path_.push_back(unit);
    for (const std::string& next : includes_[unit]) visit(next);
    path_.pop_back();
  }

  std::map<std::string, std::set<std::string>> includes_;
  std::set<std::string> seen_;
  std::vector<std::string> path_;
  std::vector<std::string> found_;
};

TEST(Includes, HaveNoCyclesOfUnits) {
  std::map<std::string, std::set<std::string>> includes;
  for (const std::string folder : {"include", "src", "apps", "python"}) {
    for (const std::string& file : text_files(folder)) {
      if (!file.ends_with(".h") && !file.ends_with(".cpp")) continue;
      auto& found = includes[unit_of(file)];
      for (const Line& line : lines_of(file)) {
        if (!is_quoted(included(line))) continue;
        const std::string other = unit_of(resolved(file, included(line)));
        if (!other.empty() && other != unit_of(file)) found.insert(other);
      }
    }
  }
  EXPECT_GT(includes.size(), 200U);
  for (const std::string& cycle : CycleSearch(includes).cycles()) ADD_FAILURE() << cycle;
}

TEST(CycleSearch, FindsPairsAndLongerWays) {
  using Includes = std::map<std::string, std::set<std::string>>;
  EXPECT_EQ(CycleSearch(Includes{{"a", {"b"}}, {"b", {}}}).cycles().size(), 0U);
  EXPECT_EQ(CycleSearch(Includes{{"a", {"b", "c"}}, {"b", {"c"}}, {"c", {}}}).cycles().size(), 0U);
  EXPECT_EQ(CycleSearch(Includes{{"a", {"b"}}, {"b", {"a"}}}).cycles(),
            std::vector<std::string>{"a -> b -> a"});
  EXPECT_EQ(CycleSearch(Includes{{"a", {"b"}}, {"b", {"c"}}, {"c", {"d"}}, {"d", {"b"}}}).cycles(),
            std::vector<std::string>{"b -> c -> d -> b"});
}

}  // namespace
}  // namespace ompq::testing
