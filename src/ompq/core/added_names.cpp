#include "ompq/core/added_names.h"

#include <algorithm>
#include <utility>

namespace ompq {
namespace {

using KindAndName = std::pair<std::string_view, std::string_view>;

std::vector<KindAndName>& every_added_name() {
  static std::vector<KindAndName> names;
  return names;
}

}  // namespace

std::vector<std::string_view> added_names(std::string_view kind) {
  std::vector<std::string_view> names;
  for (const auto& [of, name] : every_added_name()) {
    if (of == kind) names.push_back(name);
  }
  return names;
}

ScopedName::ScopedName(std::string_view kind, std::string_view name) : kind_(kind), name_(name) {
  every_added_name().emplace_back(kind, name);
}

ScopedName::~ScopedName() {
  auto& names = every_added_name();
  const auto last = std::find(names.rbegin(), names.rend(), KindAndName(kind_, name_));
  if (last != names.rend()) names.erase(std::next(last).base());
}

}  // namespace ompq
