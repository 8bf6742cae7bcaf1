#include "ompq/report/html.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <string_view>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "ompq/core/error.h"
#include "ompq/core/version.h"
#include "ompq/report/json_objects.h"
#include "ompq/report/page_template.h"

namespace ompq::report {
namespace {

constexpr int kMaxDepth = 32;  // of nested objects and arrays; what ompq writes has six

/// A format and the arrays without which there is nothing to show.
struct Format {
  std::string_view name;
  std::array<std::string_view, 3> arrays{};
};

constexpr std::array<Format, 5> kFormats{{
    {"ompq-search/1", {"layers", "allocations"}},
    {"ompq-quantize/1", {"layers", "networks"}},
    {"ompq-finetune/1", {"layers"}},
    {"ompq-compare/1", {"budgets", "allocators", "rows"}},
    {"ompq-sweep/1", {"layers", "points"}},
}};

std::string accepted_formats() {
  std::vector<std::string_view> names;
  for (const Format& format : kFormats) names.push_back(format.name);
  return fmt::format("{}", fmt::join(names, ", "));
}

Json parse(const RunDocument& document) {
  const auto not_too_deep = [&](int depth, Json::parse_event_t, const Json&) {
    if (depth > kMaxDepth) {
      throw DataError(
          document.file,
          fmt::format("is nested deeper than {} levels; results of ompq are flatter", kMaxDepth));
    }
    return true;
  };
  try {
    return Json::parse(document.json, not_too_deep);
  } catch (const Json::parse_error& error) {
    throw DataError(
        document.file,
        fmt::format("is not valid JSON at byte {} of {}; give a file that --result wrote",
                    std::min(error.byte, document.json.size()),
                    document.json.size()));
  }
}

std::string found_format(const Json& json) {
  if (!json.is_object()) return fmt::format("a JSON {}", json.type_name());
  if (!json.contains("format")) return "an object without a format";
  const Json& format = json["format"];
  return format.is_string() ? fmt::format("format '{}'", format.get<std::string>())
                            : fmt::format("a format that is a {}", format.type_name());
}

const Format& format_of(const RunDocument& document, const Json& json) {
  const std::string found = found_format(json);
  for (const Format& format : kFormats) {
    if (found == fmt::format("format '{}'", format.name)) return format;
  }
  throw DataError(document.file,
                  fmt::format("holds {}; a report shows {}", found, accepted_formats()));
}

void check_members(const RunDocument& document, const Json& json) {
  const Format& format = format_of(document, json);
  const auto require = [&](std::string_view member, const char* kind, auto is_right) {
    const auto found = json.find(std::string(member));
    if (found != json.end() && is_right(*found)) return;
    throw DataError(
        document.file,
        fmt::format("{} needs an {} '{}' and has {}; write it again with --result",
                    format.name,
                    kind,
                    member,
                    found == json.end() ? "none" : fmt::format("a {}", found->type_name())));
  };
  require("model", "object", [](const Json& value) { return value.is_object(); });
  for (const std::string_view member : format.arrays) {
    if (member.empty()) continue;
    require(member, "array", [](const Json& value) { return value.is_array(); });
  }
}

/// Six significant digits are more than any chart or table shows, and a third of the text.
void shorten_numbers(Json& json) {
  if (json.is_structured()) {
    for (Json& part : json) shorten_numbers(part);
  } else if (json.is_number_float()) {
    json = std::strtod(fmt::format("{:.6g}", json.get<double>()).c_str(), nullptr);
  }
}

/// JSON that may stand in a script element: no "<" could end it or open a comment.
std::string for_script_element(const Json& json) {
  const std::string text = json.dump(-1, ' ', false, Json::error_handler_t::replace);
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

std::string report_page(std::span<const RunDocument> documents) {
  if (!has_report_page()) {
    throw ConfigError("report",
                      "this build of ompq holds no page, since npm was missing when it was built; "
                      "install nodejs (18 or newer) and npm, then build it again");
  }
  if (documents.empty())
    throw DataError("report", "no result is given; a report needs one or more");
  Json data = {{"version", kVersion}, {"documents", Json::array()}};
  for (const RunDocument& document : documents) {
    Json content = parse(document);
    check_members(document, content);
    shorten_numbers(content);
    data["documents"].push_back({{"name", document.file}, {"content", std::move(content)}});
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
