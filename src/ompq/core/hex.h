#pragma once

#include <string>
#include <string_view>

namespace ompq {

/// Two lower-case hexadecimal digits a byte: bytes as text for JSON.
[[nodiscard]] std::string to_hex(std::string_view bytes);
/// @throws DataError for an odd number of digits or anything that is no digit.
[[nodiscard]] std::string from_hex(std::string_view digits);

}  // namespace ompq
