#include "ompq/core/hex.h"

#include "ompq/core/error.h"

namespace ompq {
namespace {

constexpr std::string_view kDigits = "0123456789abcdef";

unsigned value_of(char digit) {
  const std::size_t value = kDigits.find(digit);
  if (value == std::string_view::npos) {
    throw DataError("hexadecimal", "each byte must be two digits 0-9, a-f");
  }
  return static_cast<unsigned>(value);
}

}  // namespace

std::string to_hex(std::string_view bytes) {
  std::string digits;
  digits.reserve(2 * bytes.size());
  for (const char byte : bytes) {
    const auto value = static_cast<unsigned char>(byte);
    digits += kDigits[value >> 4];
    digits += kDigits[value & 15U];
  }
  return digits;
}

std::string from_hex(std::string_view digits) {
  if (digits.size() % 2 != 0) {
    throw DataError("hexadecimal", "the number of digits must be even, two for each byte");
  }
  std::string bytes;
  bytes.reserve(digits.size() / 2);
  for (std::size_t i = 0; i < digits.size(); i += 2) {
    bytes += static_cast<char>(value_of(digits[i]) << 4 | value_of(digits[i + 1]));
  }
  return bytes;
}

}  // namespace ompq
