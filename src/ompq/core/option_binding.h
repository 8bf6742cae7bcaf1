#pragma once

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>
#include <type_traits>

namespace ompq {

// How command-line options are bound to struct members. Each struct of options has a function next
// to it, with a line for each member:
//
//   template <typename Binder>
//   void bind_options(Binder& binder, SearchOptions& options) {
//     binder.bind("beta", options.beta);                               // the option's own value
//     binder.bind("time-limit", options.seconds, seconds_from_us);     // converted
//     binder.composed("allocator|solver|scheme", options.allocator);   // of several options
//     binder.unbound("rounds", options.rounds);                        // only programs set it
//   }
//
// The binder decides what a line does. commands/option_reader.h sets the members;
// search/option_facts.h prints them with full precision for the fingerprint that decides whether
// saved work may be reused. Tests check the names against the records of options/, and the members'
// initial values against the records' defaults.

/// A value of an enumeration and its name on the command line and in results. The table is a
/// function in the enumeration's namespace:
///
///   constexpr auto enum_names(Color) {
///     return std::to_array<EnumName<Color>>({{Color::Red, "red"}, {Color::Blue, "blue"}});
///   }
template <typename Enum>
struct EnumName {
  Enum value;
  std::string_view name;
};

template <typename Enum>
concept NamedEnum = std::is_enum_v<Enum> && requires(Enum value) {
  enum_names(value);
};

template <NamedEnum Enum>
[[nodiscard]] constexpr std::string_view enum_name(Enum value) {
  for (const EnumName<Enum>& row : enum_names(value)) {
    if (row.value == value) return row.name;
  }
  return "";
}

/// Empty if no value has this name.
template <NamedEnum Enum>
[[nodiscard]] constexpr std::optional<Enum> enum_named(std::string_view name) {
  for (const EnumName<Enum>& row : enum_names(Enum{})) {
    if (row.name == name) return row.value;
  }
  return std::nullopt;
}

/// Options store durations in microseconds.
[[nodiscard]] inline double seconds_from_us(double microseconds) { return microseconds / 1e6; }

}  // namespace ompq
