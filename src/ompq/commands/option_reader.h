#pragma once

#include <concepts>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include <fmt/format.h>

#include "ompq/core/error.h"
#include "ompq/core/option_binding.h"
#include "ompq/options/options.h"

namespace ompq::commands {

template <typename T>
inline constexpr bool kIsOptional = false;
template <typename T>
inline constexpr bool kIsOptional<std::optional<T>> = true;

/// Sets members to the values of the command's options, see core/option_binding.h. Members whose
/// option the command does not have, or that have neither a value nor a default, are unchanged, and
/// so are composed ones, which command_options.cpp sets.
class OptionReader {
 public:
  /// `values` must outlive this.
  explicit OptionReader(const OptionValues& values) : values_(values) {}

  template <typename T>
  void bind(std::string_view name, T& member) const {
    if (has(name)) member = read<T>(name);
  }
  template <typename T, typename From>
  void bind(std::string_view name, T& member, T (*convert)(From)) const {
    if (has(name)) member = convert(read<std::remove_cvref_t<From>>(name));
  }
  template <typename T>
  void composed(std::string_view, T&) const {}
  template <typename T>
  void unbound(std::string_view, T&) const {}

 private:
  [[nodiscard]] bool has(std::string_view name) const {
    return values_.knows(name) && values_.has(name);
  }

  template <typename T>
  [[nodiscard]] T read(std::string_view name) const {
    if constexpr (kIsOptional<T>) {
      return read<typename T::value_type>(name);
    } else if constexpr (std::same_as<T, bool>) {
      return values_.flag(name);
    } else if constexpr (std::integral<T>) {
      return static_cast<T>(values_.integer(name));
    } else if constexpr (std::floating_point<T>) {
      return values_.number(name);
    } else if constexpr (NamedEnum<T>) {
      return read_enum<T>(name);
    } else if constexpr (std::same_as<T, std::vector<std::int64_t>>) {
      return values_.integers(name);
    } else if constexpr (std::same_as<T, std::vector<double>>) {
      return values_.numbers(name);
    } else if constexpr (std::same_as<T, std::vector<std::string>>) {
      return values_.texts(name);
    } else if constexpr (std::same_as<T, NamedShapes>) {
      return values_.shapes(name);
    } else {
      static_assert(std::same_as<T, std::string> || std::same_as<T, std::filesystem::path>);
      return values_.text(name);
    }
  }

  template <typename Enum>
  [[nodiscard]] Enum read_enum(std::string_view name) const {
    const auto value = enum_named<Enum>(values_.text(name));
    if (value) return *value;
    throw InternalError("options", fmt::format("--{} has no value '{}'", name, values_.text(name)));
  }

  const OptionValues& values_;
};

/// `options` with the values of the command's options in the members that they are bound to.
template <typename Options>
[[nodiscard]] Options read_bound(const OptionValues& values, Options options = {}) {
  OptionReader reader(values);
  bind_options(reader, options);
  return options;
}

}  // namespace ompq::commands
