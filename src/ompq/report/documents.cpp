#include "ompq/report/documents.h"

#include <charconv>

#include <fmt/format.h>

namespace ompq::report {

std::string Format::text() const { return fmt::format("{}/{}", name, version); }

bool Format::reads(std::string_view format) const {
  if (!format.starts_with(name) || !format.substr(name.size()).starts_with('/')) return false;
  const std::string_view digits = format.substr(name.size() + 1);
  int found = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), found);
  return error == std::errc() && end == digits.data() + digits.size() && found >= 1 &&
         found <= version;
}

const Documents& documents() {
  static const Documents all = [] {
    Documents made;
    for_each_document([&]<typename Result>(const Format& format) {
      made.kinds.push_back({format, made.schema.add<Result>().object});
    });
    return made;
  }();
  return all;
}

}  // namespace ompq::report
