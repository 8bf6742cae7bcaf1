#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "ompq/core/atomic_file.h"
#include "ompq/fields/former_names.h"
#include "ompq/report/documents.h"
#include "support/paths.h"

namespace ompq::testing {

/// Documents that version 0.1.0 wrote.
inline std::filesystem::path first_documents() {
  return source_dir() / "tests/report/documents-0.1.0";
}

struct Example {
  std::string file;
  std::string text;
};

/// What version 0.1.0 wrote for a command.
inline std::vector<Example> examples_of(const report::Format& format) {
  std::vector<Example> examples;
  for (const char* tail : {"", "-small"}) {
    const auto file = first_documents() / fmt::format("{}{}.json", format.command, tail);
    if (std::filesystem::exists(file)) examples.push_back({file.string(), read_file(file)});
  }
  return examples;
}

/// `text` with the names that its fields have now.
inline std::string renamed(const std::string& text, const report::DocumentKind& kind) {
  auto json = nlohmann::ordered_json::parse(text);
  fields::rename_former(json,
                        report::documents().schema,
                        {.kind = fields::Type::Kind::Object, .object = kind.type, .item = {}});
  json["format"] = kind.format.text();
  return json.dump(2) + "\n";
}

/// Calls `check.template operator()<Result>(kind)` for each kind of document.
template <typename Check>
void for_each_kind(const Check& check) {
  std::size_t index = 0;
  report::for_each_document([&]<typename Result>(const report::Format&) {
    check.template operator()<Result>(report::documents().kinds.at(index++));
  });
}

}  // namespace ompq::testing
