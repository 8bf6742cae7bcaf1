#pragma once

#include <concepts>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "ompq/core/atomic_file.h"
#include "ompq/core/option_binding.h"

namespace ompq::search {

/// Texts are quoted, and numbers are written with all digits.
using Facts = nlohmann::ordered_json;

/// The exact text of a member; for a file, its content; for a struct, its option_text().
template <typename T>
Facts fact_of(const T& member) {
  if constexpr (NamedEnum<T>) {
    return enum_name(member);
  } else if constexpr (std::is_enum_v<T>) {
    return static_cast<std::underlying_type_t<T>>(member);
  } else if constexpr (std::same_as<T, std::filesystem::path>) {
    return sha256(read_file(member));
  } else if constexpr (requires { option_text(member); }) {
    return option_text(member);
  } else {
    return member;
  }
}
template <typename T>
Facts fact_of(const std::optional<T>& member) {
  return member ? fact_of(*member) : Facts(nullptr);
}

/// False for the few options that cannot change a result, such as --threads.
[[nodiscard]] bool has_effect(std::string_view option);

struct OptionFact {
  std::string name;   ///< of the option, or of several, "a|b"
  bool bound = true;  ///< false: only programs set the member
  Facts value;
};

/// Prints a struct of options, see core/option_binding.h.
class FactBinder {
 public:
  template <typename T>
  void bind(std::string_view name, const T& member) {
    static_assert(!std::is_enum_v<T> || NamedEnum<T>, "include the enumeration's enum_names()");
    add(name, true, member);
  }
  template <typename T, typename Convert>
  void bind(std::string_view name, const T& member, const Convert&) {
    add(name, true, member);
  }
  template <typename T>
  void composed(std::string_view names, const T& member) {
    add(names, true, member);
  }
  template <typename T>
  void unbound(std::string_view name, const T& member) {
    add(name, false, member);
  }
  [[nodiscard]] std::vector<OptionFact>& facts() { return facts_; }

 private:
  template <typename T>
  void add(std::string_view name, bool bound, const T& member) {
    if (has_effect(name)) facts_.push_back({std::string(name), bound, fact_of(member)});
  }

  std::vector<OptionFact> facts_;
};

/// All values as one text, for a fingerprint.
[[nodiscard]] Facts to_json(const std::vector<OptionFact>& facts);
/// The value as text: "yes" and "no" for a flag, "none" if there is no value.
[[nodiscard]] std::string text_of(const OptionFact& fact);

/// Every option of the struct that can change a result.
template <typename Options>
Facts option_facts(Options options) {
  FactBinder binder;
  bind_options(binder, options);
  return to_json(binder.facts());
}

}  // namespace ompq::search
