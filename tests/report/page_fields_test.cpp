#include <algorithm>
#include <array>
#include <filesystem>
#include <regex>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "ompq/core/atomic_file.h"
#include "ompq/report/documents.h"
#include "support/paths.h"

// The page's sources name no field of a document that the structs do not declare. Names of its own
// are camelCase, so a name with an underscore is a field's. tests/browser/fields.mjs holds the page
// to it as it runs.

namespace ompq::report {
namespace {

namespace fs = std::filesystem;

/// Names of the fields of every struct.
std::set<std::string> declared_fields() {
  std::set<std::string> names{"format"};
  for (const fields::Struct& made : documents().schema.structs()) {
    for (const fields::Field& field : made.fields) names.insert(field.name);
  }
  return names;
}

/// Names of the fields of documents that the page shows.
std::set<std::string> document_fields() {
  std::set<std::string> names{"format"};
  for (const DocumentKind& kind : documents().kinds) {
    if (kind.format.shown.empty()) continue;
    for (const fields::Field& field : documents().schema.find(kind.type)->fields) {
      names.insert(field.name);
    }
  }
  return names;
}

struct PageSource {
  std::string file;
  std::string text;
};

std::vector<PageSource> page_sources() {
  std::vector<PageSource> sources;
  for (const auto& entry : fs::recursive_directory_iterator(testing::source_dir() / "web/src")) {
    if (entry.path().extension() != ".js") continue;
    sources.push_back({entry.path().string(), read_file(entry.path())});
  }
  return sources;
}

/// The first group of each match, whichever of the groups matched.
std::vector<std::string> matches(const std::string& text, const std::regex& expression) {
  std::vector<std::string> found;
  for (std::sregex_iterator at(text.begin(), text.end(), expression), end; at != end; ++at) {
    for (std::size_t group = 1; group < at->size(); ++group) {
      if ((*at)[group].matched) found.push_back((*at)[group].str());
    }
  }
  return found;
}

TEST(ReportPage, NamesNoFieldThatNobodyDeclares) {
  const std::regex snake(R"((?:\.|')([a-z][a-z0-9]*(?:_[a-z0-9]+)+)\b)");
  const auto declared = declared_fields();
  std::size_t checked = 0;
  for (const PageSource& source : page_sources()) {
    for (const std::string& name : matches(source.text, snake)) {
      ++checked;
      EXPECT_TRUE(declared.contains(name)) << source.file << " reads '" << name << "'";
    }
  }
  EXPECT_GT(checked, 50U);
}

TEST(ReportPage, TakesFromDocumentsWhatTheyHave) {
  // Of the browser's own `document`.
  const std::set<std::string> browser{
      "body", "createElement", "documentElement", "getElementById", "title"};
  const std::regex member(R"(\bdocument\??\.([A-Za-z_]+))");
  const std::regex taken(R"(\{([^{}]*)\} = [A-Za-z.]*\bdocument;)");
  const std::regex name(R"((?:^|,)\s*([A-Za-z_]+))");
  const auto declared = document_fields();
  std::size_t checked = 0;
  for (const PageSource& source : page_sources()) {
    std::vector<std::string> names = matches(source.text, member);
    for (const std::string& list : matches(source.text, taken)) {
      for (const std::string& one : matches(list, name)) names.push_back(one);
    }
    for (const std::string& one : names) {
      if (browser.contains(one)) continue;
      ++checked;
      EXPECT_TRUE(declared.contains(one)) << source.file << " reads '" << one << "'";
    }
  }
  EXPECT_GT(checked, 50U);
}

}  // namespace
}  // namespace ompq::report
