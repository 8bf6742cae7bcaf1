#pragma once

#include <concepts>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

// A struct that occurs in a JSON document declares its fields once, in a function next to it:
//
//   template <typename Visitor, fields::Of<Evaluation> Struct>
//   void list_fields(Visitor& v, Struct& s) {
//     v.type("Evaluation", "How well a network does on samples.");
//     v("samples", s.samples, "samples that were run");
//     v("skipped", s.skipped, "broken samples left out", fields::kOmitEmpty);
//     v("top1", s.top1, "share of samples, 0..1, only with labels", fields::kShare);
//   }
//
// JSON output (write.h), JSON input (read.h), the Python types and the list of keys that the
// report page may read (schema.h) follow from it. The order of the calls is the order of the keys.
// A visitor has
//   type(name, doc)                             name of the struct in Python
//   operator()(name, member, doc, marks)        a field
//   matrix(name, member, columns, doc, marks)   a row-major vector as a list of rows
//   computed(name, function, doc, former_name)  written, not read: computed from other fields
//   internal(member)                            not in documents

namespace ompq::fields {

/// `T` is `Struct` or `const Struct`.
template <typename T, typename Struct>
concept Of = std::same_as<std::remove_const_t<T>, Struct>;

/// Properties of a field besides its name, type and meaning. An empty std::optional is left out.
struct Marks {
  bool omit_empty = false;            ///< left out if it is "", 0, false or has no elements
  bool null_empty = false;            ///< null if it is empty, instead of left out
  bool exclusive = false;             ///< left out if empty; otherwise no later field is written
  bool conditional = false;           ///< see where()
  bool present = true;                ///< see where()
  bool may_be_missing = false;        ///< always written, but reads as its default if missing
  bool json_text = false;             ///< a string of JSON that is embedded in the document
  std::string_view former_name = {};  ///< name in documents of earlier versions, also accepted
  std::optional<double> min = {};
  std::optional<double> max = {};

  [[nodiscard]] constexpr Marks formerly(std::string_view name) const {
    Marks marks = *this;
    marks.former_name = name;
    return marks;
  }

  /// The field may be missing from files written by hand.
  [[nodiscard]] constexpr Marks unneeded() const {
    Marks marks = *this;
    marks.may_be_missing = true;
    return marks;
  }
};

inline constexpr Marks kUnneeded{.may_be_missing = true};
inline constexpr Marks kOmitEmpty{.omit_empty = true};
inline constexpr Marks kNullEmpty{.null_empty = true};
inline constexpr Marks kExclusive{.exclusive = true};
inline constexpr Marks kJsonText{.omit_empty = true, .json_text = true};
inline constexpr Marks kCount{.min = 0};
inline constexpr Marks kOmitZero{.omit_empty = true, .min = 0};
inline constexpr Marks kShare{.min = 0, .max = 1};
inline constexpr Marks kNullableShare{.null_empty = true, .min = 0, .max = 1};
inline constexpr Marks kWidths{.min = 1, .max = 32};

/// The field had a different name in earlier versions.
constexpr Marks formerly(std::string_view name) { return Marks{}.formerly(name); }

/// The field is left out unless `present`.
constexpr Marks where(bool present) { return {.conditional = true, .present = present}; }

template <typename T>
inline constexpr bool kIsOptional = false;
template <typename T>
inline constexpr bool kIsOptional<std::optional<T>> = true;
template <typename T>
inline constexpr bool kIsList = false;
template <typename T>
inline constexpr bool kIsList<std::vector<T>> = true;
/// Values by name, in order.
template <typename T>
inline constexpr bool kIsMap = false;
template <typename T>
inline constexpr bool kIsMap<std::vector<std::pair<std::string, T>>> = true;

template <typename T>
[[nodiscard]] bool is_empty(const T& value) {
  if constexpr (kIsOptional<T>) {
    return !value.has_value();
  } else if constexpr (std::is_arithmetic_v<T>) {
    return value == T{};
  } else if constexpr (requires { value.empty(); }) {
    return value.empty();
  } else {
    return false;
  }
}

}  // namespace ompq::fields
