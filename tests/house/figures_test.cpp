#include <algorithm>
#include <array>
#include <map>
#include <regex>
#include <sstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "house/tree.h"

// Figures that the README shows are those of the documents that say how they were measured.

namespace ompq::testing {
namespace {

std::string trimmed(std::string text) {
  std::erase_if(text, [](char c) { return c == ' ' || c == '*' || c == '`'; });
  return text;
}

std::vector<std::string> cells_of(const std::string& row) {
  std::istringstream stream(row);
  std::vector<std::string> cells;
  for (std::string cell; std::getline(stream, cell, '|');) cells.push_back(trimmed(cell));
  return cells;
}

/// Top-1 by "network, allocator, bits" as docs/results.md has it.
std::map<std::string, std::string> measured() {
  std::map<std::string, std::string> figures;
  std::string network;
  std::vector<std::string> heads;
  for (const Line& line : lines_of("docs/results.md")) {
    if (line.text.starts_with("### ")) network = line.text.substr(4);
    if (line.text.starts_with("| allocator |")) heads = cells_of(line.text);
    if (line.text.empty()) heads.clear();
    if (heads.empty() || !line.text.starts_with("| `")) continue;
    const std::vector<std::string> cells = cells_of(line.text);
    for (std::size_t i = 2; i < heads.size() && i < cells.size(); ++i) {
      figures[network + ", " + cells[1] + ", " + heads[i]] = cells[i];
    }
  }
  return figures;
}

TEST(Figures, OfThePictureAreThoseThatWereMeasured) {
  const auto figures = measured();
  const std::regex title("<title>(.*), ([a-z-]+), ([0-9.]+) bits: ([0-9.]+) %</title>");
  int checked = 0;
  for (const Line& line : lines_of("docs/images/results.svg")) {
    std::smatch found;
    if (!std::regex_search(line.text, found, title)) continue;
    ++checked;
    const std::string key = found[1].str() + ", " + found[2].str() + ", " + found[3].str() + "bits";
    ASSERT_TRUE(figures.contains(key)) << key;
    EXPECT_EQ(figures.at(key), found[4].str()) << key << "; run scripts/draw_results";
  }
  EXPECT_EQ(checked, 32);
}

/// "| tool | ... | bytes | top-1 % | ...": bytes and top-1 of every row that has both.
std::vector<std::array<std::string, 2>> peers_in(const std::string& file) {
  const std::regex row("([0-9],[0-9]{3},[0-9]{3}) \\| ([0-9]+\\.[0-9]{2})");
  std::vector<std::array<std::string, 2>> rows;
  for (const Line& line : lines_of(file)) {
    std::smatch found;
    if (std::regex_search(line.text, found, row)) rows.push_back({found[1], found[2]});
  }
  return rows;
}

TEST(Figures, OfOtherToolsAreThoseOfTheComparison) {
  const auto known = peers_in("docs/comparison.md");
  const auto shown = peers_in("README.md");
  EXPECT_GE(shown.size(), 7U);
  for (const auto& row : shown) {
    EXPECT_NE(std::find(known.begin(), known.end(), row), known.end())
        << row[0] << " bytes, " << row[1] << " % are not in docs/comparison.md";
  }
}

}  // namespace
}  // namespace ompq::testing
