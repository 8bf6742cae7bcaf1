#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace ompq::tables {

/// Columns that UTF-8 `text` takes on a terminal: 0 for combining marks, 2 for East Asian wide
/// characters and emoji, 1 for the rest; a broken byte counts as one.
[[nodiscard]] std::size_t display_width(std::string_view text);
/// As much of `text` as fits into `columns`, ending in "…" where something was cut.
[[nodiscard]] std::string cut_to_width(std::string_view text, std::size_t columns);

}  // namespace ompq::tables
