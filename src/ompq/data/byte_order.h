#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace ompq::data {

/// Reads a little-endian number at offset `at`. The caller must have checked the length.
template <typename T>
[[nodiscard]] T little_endian(std::string_view bytes, std::size_t at) {
  T value = 0;
  for (std::size_t i = 0; i < sizeof(T); ++i) {
    value |= static_cast<T>(static_cast<T>(static_cast<std::uint8_t>(bytes[at + i])) << (8 * i));
  }
  return value;
}

/// Reads a big-endian number at offset `at`; likewise.
template <typename T>
[[nodiscard]] T big_endian(std::string_view bytes, std::size_t at) {
  T value = 0;
  for (std::size_t i = 0; i < sizeof(T); ++i) {
    value = static_cast<T>(value << 8) | static_cast<std::uint8_t>(bytes[at + i]);
  }
  return value;
}

template <typename T>
void append_little_endian(std::string& bytes, T value) {
  for (std::size_t i = 0; i < sizeof(T); ++i) bytes.push_back(static_cast<char>(value >> (8 * i)));
}

}  // namespace ompq::data
