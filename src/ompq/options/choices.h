#pragma once

#include <string_view>
#include <vector>

namespace ompq {

/// The names that an option accepts: those of a text "a|b|c", followed by rows that were added to
/// the table of a kind while the program runs (core/added_names.h).
class Choices {
 public:
  constexpr Choices() = default;
  constexpr Choices(const char* names) : names_(names) {}  // NOLINT: `.choices = "a|b"`
  /// @param kind  "metric", "allocator", ...
  constexpr Choices(std::string_view names, std::string_view kind) : names_(names), kind_(kind) {}

  /// True where the option has no such list.
  [[nodiscard]] constexpr bool empty() const { return names_.empty(); }
  [[nodiscard]] constexpr std::string_view text() const { return names_; }
  [[nodiscard]] constexpr std::string_view kind() const { return kind_; }

 private:
  std::string_view names_{};
  std::string_view kind_{};
};

/// Every name that is accepted now.
[[nodiscard]] std::vector<std::string_view> split_choices(const Choices& choices);

}  // namespace ompq
