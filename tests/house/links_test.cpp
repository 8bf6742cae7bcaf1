#include <cctype>
#include <filesystem>
#include <map>
#include <regex>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "house/tree.h"
#include "support/paths.h"

// Links of the documents: those within the tree lead to a file, and to a heading of it; others are
// well-formed. No test needs a network.

namespace ompq::testing {
namespace {

namespace fs = std::filesystem;

bool is_fence(const std::string& line) {
  const std::size_t at = line.find_first_not_of(' ');
  return at != std::string::npos && line.compare(at, 3, "```") == 0;
}

/// Lines of a document outside of blocks of code.
std::vector<Line> prose_of(const std::string& file) {
  std::vector<Line> prose;
  bool in_code = false;
  for (Line& line : lines_of(file)) {
    if (is_fence(line.text)) {
      in_code = !in_code;
    } else if (!in_code) {
      prose.push_back(std::move(line));
    }
  }
  return prose;
}

std::string without_code(const std::string& text) {
  return std::regex_replace(text, std::regex("`[^`]*`"), "");
}

/// The anchor that forges, and Sphinx with MyST, give a heading.
std::string anchor_of(const std::string& heading) {
  const std::string text =
      std::regex_replace(heading, std::regex(R"(\[([^\]]*)\]\([^)]*\))"), "$1");
  std::string anchor;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (std::isalnum(byte) != 0 || c == '_' || c == '-' || byte >= 0x80) {
      anchor += static_cast<char>(std::tolower(byte));
    } else if (c == ' ') {
      anchor += '-';
    }
  }
  return anchor;
}

std::set<std::string> anchors_of(const std::string& file) {
  const std::regex heading("^#{1,6} +(.*?) *$");
  std::set<std::string> anchors;
  std::map<std::string, int> seen;
  for (const Line& line : prose_of(file)) {
    std::smatch found;
    if (!std::regex_match(line.text, found, heading)) continue;
    const std::string anchor = anchor_of(found[1]);
    const int before = seen[anchor]++;
    anchors.insert(before == 0 ? anchor : anchor + "-" + std::to_string(before));
  }
  return anchors;
}

struct Link {
  Line line;
  std::string target;
};

std::vector<Link> links_of(const std::string& file) {
  const std::regex link(R"(\]\(([^)]*)\)|<(https?:[^>]*)>)");
  std::vector<Link> links;
  for (const Line& line : prose_of(file)) {
    const std::string text = without_code(line.text);
    for (std::sregex_iterator at(text.begin(), text.end(), link), end; at != end; ++at) {
      links.push_back({line, (*at)[1].matched ? (*at)[1].str() : (*at)[2].str()});
    }
  }
  return links;
}

bool is_external(const std::string& target) { return target.find(':') != std::string::npos; }

std::vector<std::string> documents() {
  std::vector<std::string> files = text_files("");
  std::erase_if(files, [](const std::string& file) { return !file.ends_with(".md"); });
  return files;
}

/// "" if the link leads somewhere, or else what is missing.
std::string missing(const std::string& document, const std::string& target) {
  const std::size_t hash = target.find('#');
  const std::string path = target.substr(0, hash);
  const fs::path file = path.empty() ? fs::path(document)
                                     : (fs::path(document).parent_path() / path).lexically_normal();
  if (!fs::exists(source_dir() / file)) return "no file " + file.string();
  if (hash == std::string::npos) return "";
  const std::string anchor = target.substr(hash + 1);
  return anchors_of(file.string()).contains(anchor)
             ? ""
             : "no heading #" + anchor + " in " + file.string();
}

TEST(Links, LeadToFilesAndHeadings) {
  int checked = 0;
  for (const std::string& document : documents()) {
    for (const Link& link : links_of(document)) {
      if (is_external(link.target)) continue;
      ++checked;
      EXPECT_EQ(missing(document, link.target), "") << place(link.line);
    }
  }
  EXPECT_GT(checked, 150);
}

TEST(Links, ToOtherSitesAreWellFormed) {
  const std::regex address(R"(https://[a-z0-9-]+(\.[a-z0-9-]+)+(/[A-Za-z0-9._~/%?=&#+-]*)?)");
  int checked = 0;
  for (const std::string& document : documents()) {
    for (const Link& link : links_of(document)) {
      if (!is_external(link.target)) continue;
      ++checked;
      EXPECT_TRUE(std::regex_match(link.target, address)) << place(link.line);
    }
  }
  EXPECT_GT(checked, 5);
}

TEST(Links, DocumentsThatSourcesNameExist) {
  const std::regex name("docs/[a-z0-9/-]+\\.md");
  int checked = 0;
  for (const std::string folder : {"src", "apps", "include", "python", "scripts", "cmake", "web"}) {
    for (const std::string& file : text_files(folder)) {
      for (const Line& line : lines_of(file)) {
        for (std::sregex_iterator at(line.text.begin(), line.text.end(), name), end; at != end;
             ++at) {
          ++checked;
          EXPECT_TRUE(fs::exists(source_dir() / at->str())) << place(line);
        }
      }
    }
  }
  EXPECT_GT(checked, 10);
}

TEST(Links, AnchorsAreThoseOfForges) {
  EXPECT_EQ(anchor_of("ompq quantize"), "ompq-quantize");
  EXPECT_EQ(anchor_of("The default: `auto`"), "the-default-auto");
  EXPECT_EQ(anchor_of("C++ in [ten](cpp.md) functions"), "c-in-ten-functions");
  EXPECT_EQ(anchor_of("load.h, and `latency_table`"), "loadh-and-latency_table");
}

TEST(Links, ThatLeadNowhereAreFound) {
  EXPECT_EQ(missing("README.md", "docs/cli.md#ompq-quantize"), "");
  EXPECT_EQ(missing("docs/guide.md", "#preprocessing"), "");
  EXPECT_EQ(missing("docs/guide.md", "cli.md#ompq-dance"), "no heading #ompq-dance in docs/cli.md");
  EXPECT_EQ(missing("docs/guide.md", "README.md"), "no file docs/README.md");
}

}  // namespace
}  // namespace ompq::testing
