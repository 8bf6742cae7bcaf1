#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace ompq {

/// Reads "6.7MB", "6.7MiB", "800kB", "512 KiB", "4096" or "4096B"; kB, MB, GB are decimal, KiB,
/// MiB, GiB binary.
/// @return whole bytes, rounded down.
/// @throws ConfigError for other text, a negative number, or more than 2^62 bytes.
[[nodiscard]] std::int64_t parse_byte_count(std::string_view text);

/// "6.70 MiB", "812 B": binary units, three significant digits.
[[nodiscard]] std::string format_bytes(std::int64_t bytes);

/// Reads "75G", "1.5T", "300M": a decimal count with an optional K, M, G or T.
[[nodiscard]] double parse_count(std::string_view text);

}  // namespace ompq
