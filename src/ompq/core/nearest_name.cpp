#include "ompq/core/nearest_name.h"

#include <algorithm>
#include <limits>
#include <numeric>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "ompq/core/error.h"

namespace ompq {
namespace {

template <typename Name>
std::string_view nearest_of(std::string_view name, std::span<const Name> names) {
  std::string_view nearest;
  std::size_t min = std::numeric_limits<std::size_t>::max();
  for (const Name& candidate : names) {
    const std::size_t distance = edit_distance(name, candidate);
    if (distance < min) min = distance, nearest = candidate;
  }
  return nearest;
}

}  // namespace

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i + 1;
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t replaced = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, row[j] + 1, diagonal + 1});
    }
  }
  return row.back();
}

std::string_view nearest_name(std::string_view name, std::span<const std::string_view> names) {
  return nearest_of(name, names);
}

std::string_view nearest_name(std::string_view name, std::span<const std::string> names) {
  return nearest_of(name, names);
}

std::string_view meant_name(std::string_view text, std::span<const std::string_view> candidates) {
  std::string_view best;
  // A distance of more than about a third of the word is another word, not a typing error.
  std::size_t min = std::max<std::size_t>(2, text.size() / 3) + 1;
  for (const std::string_view candidate : candidates) {
    const bool cut_short =
        text.size() >= 2 && (candidate.starts_with(text) || text.starts_with(candidate));
    const std::size_t steps = cut_short ? 1 : edit_distance(text, candidate);
    if (steps < min && steps < candidate.size()) {
      min = steps;
      best = candidate;
    }
  }
  return best;
}

void refuse_name(std::string_view where,
                 std::string_view kind,
                 std::string_view name,
                 std::span<const std::string_view> known) {
  const std::string_view meant = meant_name(name, known);
  throw ConfigError(where,
                    fmt::format("unknown {} '{}'; {} are {}",
                                kind,
                                name,
                                meant.empty() ? std::string("known")
                                              : fmt::format("did you mean '{}'? Known", meant),
                                fmt::join(known, ", ")));
}

}  // namespace ompq
