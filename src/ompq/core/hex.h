#pragma once

#include <string>
#include <string_view>

namespace ompq {

/// Encodes bytes for JSON, two lower-case hexadecimal digits a byte.
[[nodiscard]] std::string to_hex(std::string_view bytes);
/// @throws DataError for an odd number of digits or a character that is not a digit.
[[nodiscard]] std::string from_hex(std::string_view digits);

}  // namespace ompq
