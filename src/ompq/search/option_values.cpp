#include "ompq/search/option_values.h"

#include <algorithm>
#include <string_view>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "ompq/core/error.h"
#include "ompq/search/allocator_table.h"

namespace ompq::search {

std::vector<int> common_widths(const WidthsByName& candidates) {
  const auto common = candidates.find("");
  if (common == candidates.end()) {
    throw ConfigError("--candidates", "no widths for all layers; give some without a name");
  }
  return {common->second.begin(), common->second.end()};
}

std::map<std::string, std::vector<int>> named_widths(const WidthsByName& candidates) {
  std::map<std::string, std::vector<int>> named;
  for (const auto& [name, widths] : candidates) {
    if (!name.empty()) named.emplace(name, std::vector<int>(widths.begin(), widths.end()));
  }
  return named;
}

std::map<std::string, int> pinned_widths(const WidthsByName& pins) {
  std::map<std::string, int> pinned;
  for (const auto& [name, widths] : pins) {
    if (widths.size() != 1) {
      throw ConfigError("--pin",
                        fmt::format("'{}' is given {} widths, but a pinned layer has one; use "
                                    "--candidates {}={} to let the search choose",
                                    name,
                                    widths.size(),
                                    name,
                                    fmt::join(widths, ",")));
    }
    pinned.emplace(name, static_cast<int>(widths.front()));
  }
  return pinned;
}

std::vector<int> activation_candidates_of(const std::vector<std::string>& texts) {
  std::vector<int> widths;
  for (const std::string& text : texts) {
    if (text != "float") widths.push_back(std::stoi(text));
  }
  if (widths.size() != texts.size() && texts.size() > 1) {
    throw ConfigError("--act-bits",
                      fmt::format("'{}' mixes float with widths; give only widths, or only float",
                                  fmt::join(texts, ",")));
  }
  std::sort(widths.begin(), widths.end());
  widths.erase(std::unique(widths.begin(), widths.end()), widths.end());
  return widths;
}

std::vector<std::string> shown_allocators(const std::vector<std::string>& names) {
  std::vector<std::string> shown;
  for (const std::string& name : names) {
    if (name != "none") shown.push_back(name);
  }
  return shown;
}

std::vector<std::string> compared_allocators(const std::vector<std::string>& names) {
  std::vector<std::string> compared;
  const auto add = [&](std::string_view name) {
    if (std::ranges::find(compared, name) == compared.end()) compared.emplace_back(name);
  };
  for (const std::string& name : names) {
    if (name != "all") add(name);
    for (const AllocatorRow& row : allocator_table()) {
      if (name == "all" && !row.is_random) add(row.name);
    }
  }
  return compared;
}

}  // namespace ompq::search
