#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace ompq {

/// Levenshtein: insertions, deletions and replacements that turn one text into the other.
[[nodiscard]] std::size_t edit_distance(std::string_view a, std::string_view b);

/// The name that is nearest to `name` by edit distance, the first of equals; "" only where there
/// are no names. For messages: "unknown layer 'x'; did you mean 'y'?".
[[nodiscard]] std::string_view nearest_name(std::string_view name,
                                            std::span<const std::string_view> names);
[[nodiscard]] std::string_view nearest_name(std::string_view name,
                                            std::span<const std::string> names);

/// The candidate that is nearest to `text` by edit distance, or "" if none is near enough to be
/// meant.
[[nodiscard]] std::string_view meant_name(std::string_view text,
                                          std::span<const std::string_view> candidates);

}  // namespace ompq
