// Writes JSON results into a folder, by the code that writes those of the commands. tests/browser
// turns them into pages.
//   write_sample_results FOLDER

#include <cstdio>
#include <exception>
#include <filesystem>

#include <nlohmann/json.hpp>

#include "ompq/core/atomic_file.h"
#include "ompq/report/documents.h"
#include "ompq/report/json.h"
#include "report/sample_runs.h"

namespace ompq::testing {
namespace {

namespace fs = std::filesystem;

/// Names that would break out of markup, attributes, scripts, templates and tables.
std::vector<std::string> hostile_names() {
  return {"<img src=x onerror=\"window.hacked=1\">",
          "</script><script>window.hacked=1</script>",
          "\"' onmouseover=\"window.hacked=1\" x='",
          "&lt;b&gt;&amp;",
          "{b}: {c} {a|b}",
          "a,b;\"c\"\r\nnext\tline",
          "__proto__",
          "constructor",
          "javascript:window.hacked=1",
          "`${window.hacked=1}`",
          "Schicht-ä-層-слой-\xF0\x9F\xA7\xA0-\xE2\x80\xAE"
          "rtl",
          "a/very/long/name/" + std::string(300, 'x')};
}

/// Bits that came from a file: nothing was measured and nothing allocated.
report::Quantization from_allocation_file(const std::vector<std::string>& names) {
  report::Quantization result = sample_quantization(names);
  result.search.orm.clear();
  result.search.losses.clear();
  result.search.portfolio.reset();
  result.search.allocations.clear();
  result.search.provenance = {};
  result.networks.resize(1);
  return result;
}

/// `auto` answered, because the metric that was asked for could not be measured.
report::Search with_a_dropped_metric(const std::vector<std::string>& names) {
  report::Search result = sample_quantization(names).search;
  result.allocations.front().requested = "fisher";
  result.dropped.push_back({"fisher", "the outputs are no class scores"});
  return result;
}

using Json = nlohmann::ordered_json;

Json type_json(const fields::Type& type) {
  using Kind = fields::Type::Kind;
  if (type.kind == Kind::Object) return {{"object", type.object}};
  if (type.kind == Kind::List) return {{"list", type_json(type.item.front())}};
  if (type.kind == Kind::Map || type.kind == Kind::Json) return {{"any", true}};
  return {{"value", true}};
}

/// The fields of results: the type of each document by its format, and the fields of each type.
std::string schema() {
  Json json;
  for (const report::DocumentKind& kind : report::documents().kinds) {
    json["documents"][kind.format.text()] = kind.type;
  }
  for (const fields::Struct& made : report::documents().schema.structs()) {
    for (const fields::Field& field : made.fields) {
      json["types"][made.name][field.name] = type_json(field.type);
    }
  }
  return json.dump();
}

void write(const fs::path& folder,
           const std::string& prefix,
           const std::vector<std::string>& names) {
  for (const report::RunDocument& document : sample_documents(names)) {
    const std::string file = fs::path(document.file).filename().string();
    write_file_atomically(folder / (prefix + file), document.json);
  }
}

void write_all(const fs::path& folder) {
  const auto names = layer_names(22);
  write(folder, "", names);
  write(folder, "large-", layer_names(300));
  write(folder, "hostile-", hostile_names());
  write_file_atomically(folder / "search.json", report::to_json(with_a_dropped_metric(names)));
  write_file_atomically(folder / "finetune.json", report::to_json(sample_finetuning(names)));
  write_file_atomically(folder / "schema.json", schema());
  write_file_atomically(folder / "given.json", report::to_json(from_allocation_file(names)));
}

}  // namespace
}  // namespace ompq::testing

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fputs("write_sample_results FOLDER\n", stderr);
    return 2;
  }
  try {
    ompq::testing::write_all(argv[1]);
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
