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
                                source.remedy));
  } catch (const Json::out_of_range&) {
    throw DataError(source.place,
                    fmt::format("has a number that is too large for a double; {}", source.remedy));
  }
}

void refuse(const Source& source,
            std::string_view path,
            const Json& found,
            std::string_view expected) {
  throw DataError(
      source.place,
      fmt::format(
          "{} is {}; it must be {}; {}", subject(path), quoted(found), expected, source.remedy));
}

void refuse_missing(const Source& source, std::string_view path) {
  throw DataError(source.place, fmt::format("{} is missing; {}", subject(path), source.remedy));
}

void require_range(const Source& source,
                   std::string_view path,
                   const Json& found,
                   const Marks& marks) {
  const double value = found.get<double>();
  if ((!marks.min || value >= *marks.min) && (!marks.max || value <= *marks.max)) return;
  std::string expected;
  if (marks.min && marks.max) {
    expected = fmt::format("in {}..{}", *marks.min, *marks.max);
  } else if (marks.min) {
    expected = fmt::format("at least {}", *marks.min);
  } else {
    expected = fmt::format("at most {}", *marks.max);
  }
  refuse(source, path, found, expected);
}

std::string path_of(std::string_view parent, std::string_view name) {
  return parent.empty() ? std::string(name) : fmt::format("{}.{}", parent, name);
}

}  // namespace ompq::fields
