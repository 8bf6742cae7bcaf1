#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace ompq {

/// Levenshtein distance: the fewest insertions, deletions and replacements that turn one text into
/// the other.
[[nodiscard]] std::size_t edit_distance(std::string_view a, std::string_view b);

/// The name with the smallest edit distance to `name`, the first of several; "" only if there are
/// no names. For messages: "unknown layer 'x'; did you mean 'y'?".
[[nodiscard]] std::string_view nearest_name(std::string_view name,
                                            std::span<const std::string_view> names);
[[nodiscard]] std::string_view nearest_name(std::string_view name,
                                            std::span<const std::string> names);

/// Refuses a name that is not in `known`, such as [training] "unknown schedule 'cosin'; did you
/// mean 'cosine'? Known are cosine, step".
/// @param where, kind  "training", "schedule".
/// @throws ConfigError
[[noreturn]] void refuse_name(std::string_view where,
                              std::string_view kind,
                              std::string_view name,
                              std::span<const std::string_view> known);

/// The candidate with the smallest edit distance to `text`, or "" if none is close enough to be a
/// typing error.
[[nodiscard]] std::string_view meant_name(std::string_view text,
                                          std::span<const std::string_view> candidates);

}  // namespace ompq
