#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <string_view>

namespace ompq::options {

/// Names in the form of an option's choices and a command's rules, "a|b|c", joined at compile time
/// so that no list is written twice.
template <std::size_t Size>
struct JoinedNames {
  std::array<char, Size> text{};
  [[nodiscard]] constexpr operator std::string_view() const {  // NOLINT: implicit by design
    return {text.data(), Size};
  }
  [[nodiscard]] static constexpr std::size_t size() { return Size; }
};

/// A name or a list of names.
template <std::size_t Size>
[[nodiscard]] constexpr JoinedNames<Size - 1> joined(const char (&name)[Size]) {
  JoinedNames<Size - 1> names;
  std::copy_n(name, Size - 1, names.text.begin());
  return names;
}
template <std::size_t Size>
[[nodiscard]] constexpr JoinedNames<Size> joined(const JoinedNames<Size>& names) {
  return names;
}

/// "a|b|c" of "a" and "b|c".
template <typename First, typename... Rest>
[[nodiscard]] constexpr auto joined(const First& first, const Rest&... rest) {
  const auto head = joined(first);
  const auto tail = joined(rest...);
  JoinedNames<decltype(head)::size() + 1 + decltype(tail)::size()> names;
  const auto end = std::copy(head.text.begin(), head.text.end(), names.text.begin());
  *end = '|';
  std::copy(tail.text.begin(), tail.text.end(), end + 1);
  return names;
}

/// The names of a group of records.
template <const auto& kRecords>
[[nodiscard]] constexpr auto joined_names() {
  constexpr std::size_t kSize = [] {
    std::size_t size = kRecords.size() - 1;
    for (const auto& record : kRecords) size += record.name.size();
    return size;
  }();
  JoinedNames<kSize> names;
  auto end = names.text.begin();
  for (const auto& record : kRecords) {
    if (end != names.text.begin()) *end++ = '|';
    end = std::copy(record.name.begin(), record.name.end(), end);
  }
  return names;
}

}  // namespace ompq::options
