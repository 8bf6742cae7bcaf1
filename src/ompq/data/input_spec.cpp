#include "ompq/data/input_spec.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace ompq::data {

std::string extents_text(std::span<const std::int64_t> extents) {
  if (extents.empty()) return "scalar";
  std::vector<std::string> parts;
  for (const std::int64_t extent : extents) {
    parts.push_back(extent < 1 ? "?" : std::to_string(extent));
  }
  return fmt::format("{}", fmt::join(parts, "x"));
}

}  // namespace ompq::data
