#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace ompq::tables {

/// Terminal columns of UTF-8 `text`: 0 for combining marks, 2 for East Asian wide characters and
/// emoji, 1 for others, including invalid bytes.
[[nodiscard]] std::size_t display_width(std::string_view text);
/// `text` truncated to `columns`, ending in "…" if truncated.
[[nodiscard]] std::string cut_to_width(std::string_view text, std::size_t columns);

}  // namespace ompq::tables
