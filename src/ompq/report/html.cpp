#include "ompq/report/html.h"

#include <cstdlib>
#include <string_view>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "ompq/core/display_text.h"
#include "ompq/core/error.h"
#include "ompq/core/version.h"
#include "ompq/fields/former_names.h"
#include "ompq/fields/read.h"
#include "ompq/fields/write.h"
#include "ompq/report/documents.h"
#include "ompq/report/page_template.h"

namespace ompq::report {
namespace {

using Json = nlohmann::ordered_json;

std::string accepted_formats() {
  std::vector<std::string> names;
  for (const DocumentKind& kind : documents().kinds) {
    if (!kind.format.shown.empty()) names.push_back(kind.format.text());
  }
  return fmt::format("{}, and earlier versions of these", fmt::join(names, ", "));
}

Json parse(const RunDocument& document) {
  return fields::parse(document.json, {document.file, "give a file written by --result"});
}

std::string found_format(const Json& json) {
  if (!json.is_object()) return fmt::format("a JSON {}", json.type_name());
  if (!json.contains("format")) return "an object without a format";
  const Json& format = json["format"];
  return format.is_string() ? fmt::format("format '{}'", display_name(format.get<std::string>()))
                            : fmt::format("a format of type {}", format.type_name());
}

const DocumentKind& kind_of(const RunDocument& document, const Json& json) {
  const std::string found = found_format(json);
  for (const DocumentKind& kind : documents().kinds) {
    if (kind.format.shown.empty() || !json.is_object() || !json.contains("format")) continue;
    const Json& format = json["format"];
    if (format.is_string() && kind.format.reads(format.get<std::string>())) return kind;
  }
  throw DataError(document.file,
                  fmt::format("has {}; a report supports {}", found, accepted_formats()));
}

void check_members(const RunDocument& document, const Format& format, const Json& json) {
  const auto require = [&](std::string_view member, const char* kind, auto is_right) {
    const auto found = json.find(std::string(member));
    if (found != json.end() && is_right(*found)) return;
    throw DataError(
        document.file,
        fmt::format("{} needs an {} '{}' and has {}; write it again with --result",
                    json["format"].get<std::string>(),
                    kind,
                    member,
                    found == json.end() ? "none" : fmt::format("a {}", found->type_name())));
  };
  require("model", "object", [](const Json& value) { return value.is_object(); });
  for (const std::string_view member : format.shown) {
    require(member, "array", [](const Json& value) { return value.is_array(); });
  }
}

/// Rounds to six significant digits, more than any chart or table shows, which shrinks the text to
/// a third.
void shorten_numbers(Json& json) {
  if (json.is_structured()) {
    for (Json& part : json) shorten_numbers(part);
  } else if (json.is_number_float()) {
    json = std::strtod(fmt::format("{:.6g}", json.get<double>()).c_str(), nullptr);
  }
}

/// JSON for a script element: "<" is escaped, so that it cannot end the element or open a comment.
std::string for_script_element(const Json& json) {
  const std::string text = fields::text_of(json);
  std::string escaped;
  escaped.reserve(text.size());
  for (const char c : text) {
    if (c == '<') {
      escaped += "\\u003c";
    } else {
      escaped += c;
    }
  }
  return escaped;
}

}  // namespace

bool has_report_page() { return !page_template().empty(); }

std::string report_page(std::span<const RunDocument> runs) {
  if (!has_report_page()) {
    throw ConfigError("report",
                      "this build of ompq has no page, because npm was missing when it was built; "
                      "install nodejs (18 or newer) and npm, then build it again");
  }
  if (runs.empty()) throw DataError("report", "no result is given; a report needs one or more");
  Json data = {{"version", version()}, {"documents", Json::array()}};
  for (const RunDocument& document : runs) {
    Json content = parse(document);
    const DocumentKind& kind = kind_of(document, content);
    fields::rename_former(content,
                          documents().schema,
                          {.kind = fields::Type::Kind::Object, .object = kind.type, .item = {}});
    check_members(document, kind.format, content);
    shorten_numbers(content);
    data["documents"].push_back({{"name", document.file},
                                 {"command", kind.format.command},
                                 {"content", std::move(content)}});
  }
  const std::string_view page = page_template();
  const std::size_t mark = page.find(kDataMark);
  if (mark == page.npos) throw InternalError("report", "the page has no place for data");
  return fmt::format("{}{}{}",
                     page.substr(0, mark),
                     for_script_element(data),
                     page.substr(mark + kDataMark.size()));
}

}  // namespace ompq::report
