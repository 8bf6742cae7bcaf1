#pragma once

#include <charconv>
#include <concepts>
#include <filesystem>
#include <initializer_list>
#include <ranges>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace ompq {

/// A value of an option: a flag, a number, a text, a path, or a list of numbers or texts. It is
/// read as the command line reads it, so "1.5MiB" and 1572864 are the same size.
class OptionValue {
 public:
  template <std::same_as<bool> Flag>
  OptionValue(Flag on) : is_flag_(true), on_(on) {}
  OptionValue(const char* text) : text_(text) {}
  OptionValue(std::string text) : text_(std::move(text)) {}
  OptionValue(std::string_view text) : text_(text) {}
  OptionValue(const std::filesystem::path& path) : text_(path.string()) {}
  template <typename Number>
  requires(std::integral<Number> || std::floating_point<Number>) &&
      (!std::same_as<Number, bool>)OptionValue(Number number) : text_(spelled(number)) {}
  template <typename Item>
  OptionValue(std::initializer_list<Item> items) : text_(joined(items)) {}
  template <std::ranges::input_range Range>
  requires(!std::convertible_to<const Range&, std::string_view>) &&
      (!std::same_as<Range, std::filesystem::path>)OptionValue(const Range& items)
      : text_(joined(items)) {}

  [[nodiscard]] bool is_flag() const { return is_flag_; }
  [[nodiscard]] bool on() const { return on_; }
  /// As one would type it; "" for a flag.
  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  /// The shortest text that is read as the same number, in every locale.
  template <typename Number>
  static std::string spelled(Number number) {
    char digits[64];
    const auto end = std::to_chars(digits, digits + sizeof digits, number).ptr;
    return {digits, end};
  }
  template <typename Range>
  static std::string joined(const Range& items) {
    std::string list;
    for (const auto& item : items) {
      if (!list.empty()) list += ',';
      list += OptionValue(item).text_;
    }
    return list;
  }

  bool is_flag_ = false;
  bool on_ = false;
  std::string text_;
};

}  // namespace ompq
