#include "ompq/fields/read.h"

#include <algorithm>

#include <fmt/format.h>

#include "ompq/core/error.h"

namespace ompq::fields {
namespace {

/// The start of a value, as an error message quotes it.
std::string quoted(const Json& found) {
  constexpr std::size_t kShown = 80;
  std::string text = found.dump(-1, ' ', true, Json::error_handler_t::replace);
  if (text.size() > kShown) text = text.substr(0, kShown) + "...";
  return text;
}

std::string subject(std::string_view path) {
  return path.empty() ? "the document" : fmt::format("\"{}\"", path);
}

}  // namespace

Json parse(std::string_view text, const Source& source) {
  try {
    return Json::parse(text);
  } catch (const Json::parse_error& error) {
    throw DataError(source.place,
                    fmt::format("is not valid JSON at byte {} of {}; {}",
                                std::min(error.byte, text.size()),
                                text.size(),
                                source.way_out));
  }
}

void refuse(const Source& source,
            std::string_view path,
            const Json& found,
            std::string_view expected) {
  throw DataError(
      source.place,
      fmt::format(
          "{} is {}; it must be {}; {}", subject(path), quoted(found), expected, source.way_out));
}

void refuse_missing(const Source& source, std::string_view path) {
  throw DataError(source.place, fmt::format("{} is missing; {}", subject(path), source.way_out));
}

void require_range(const Source& source,
                   std::string_view path,
                   const Json& found,
                   const Marks& marks) {
  const double value = found.get<double>();
  if ((!marks.least || value >= *marks.least) && (!marks.most || value <= *marks.most)) return;
  std::string expected;
  if (marks.least && marks.most) {
    expected = fmt::format("in {}..{}", *marks.least, *marks.most);
  } else if (marks.least) {
    expected = fmt::format("at least {}", *marks.least);
  } else {
    expected = fmt::format("at most {}", *marks.most);
  }
  refuse(source, path, found, expected);
}

std::string path_of(std::string_view parent, std::string_view name) {
  return parent.empty() ? std::string(name) : fmt::format("{}.{}", parent, name);
}

}  // namespace ompq::fields
