#pragma once

#include <string_view>
#include <type_traits>
#include <vector>

namespace ompq {

/// The names that an option accepts: those of a string "a|b|c", followed by rows added to the table
/// of a kind at run time (core/added_names.h).
class Choices {
 public:
  constexpr Choices() = default;
  /// From a string, as in `.choices = "a|b"`.
  template <typename Text>
  requires(std::is_convertible_v<const Text&, std::string_view>) constexpr Choices(
      const Text& names)
      : names_(names) {}  // NOLINT
  /// @param kind  "metric", "allocator", ...
  constexpr Choices(std::string_view names, std::string_view kind) : names_(names), kind_(kind) {}

  /// True if the option has no such list.
  [[nodiscard]] constexpr bool empty() const { return names_.empty(); }
  /// Those of the string and those currently added.
  [[nodiscard]] std::vector<std::string_view> names() const;

 private:
  std::string_view names_{};
  std::string_view kind_{};
};

/// Every currently accepted name. For a plain string see the other split_choices.
template <typename T>
requires(std::is_same_v<T, Choices>)
    [[nodiscard]] std::vector<std::string_view> split_choices(const T& choices) {
  return choices.names();
}

}  // namespace ompq
