#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ompq/fields/declare.h"

namespace ompq::fields {

/// The type of a field in JSON.
struct Type {
  enum class Kind { Flag, Whole, Number, Text, Json, List, Map, Object };
  Kind kind = Kind::Text;
  std::string object;      ///< Object: the name of its struct
  std::vector<Type> item;  ///< List, Map: one element
};

struct Field {
  std::string name;
  std::string former_name;  ///< name in documents of earlier versions, or ""
  std::string doc;
  Type type;
  bool optional = false;  ///< it may be left out
  bool nullable = false;  ///< it may be null
  bool computed = false;  ///< computed from other fields, and not read
};

struct Struct {
  std::string name;
  std::string doc;
  std::vector<Field> fields;  ///< in the order of the keys
};

/// Structs by name; nested structs come before the ones that contain them.
class Schema {
 public:
  /// Adds a struct and its nested structs.
  template <typename T>
  Type add();

  [[nodiscard]] const std::vector<Struct>& structs() const { return structs_; }
  /// Null if no such struct was added.
  [[nodiscard]] const Struct* find(std::string_view name) const {
    const auto found = std::ranges::find(structs_, name, &Struct::name);
    return found == structs_.end() ? nullptr : &*found;
  }

 private:
  std::vector<Struct> structs_;
};

/// The visitor that collects the fields of a struct.
class Describer {
 public:
  Describer(Schema& schema, Struct& described) : schema_(schema), described_(described) {}

  /// Keeps the outer name if a struct also lists the fields of another one.
  void type(std::string_view name, std::string_view doc) {
    if (!described_.name.empty()) return;
    described_.name = name;
    described_.doc = doc;
  }

  template <typename T>
  void operator()(std::string_view name, const T&, std::string_view doc, const Marks& marks = {}) {
    Type type = marks.json_text ? Type{.kind = Type::Kind::Json} : schema_.template add<T>();
    const bool nothing = kIsOptional<T> && !marks.null_empty;
    add(name, doc, std::move(type), marks, nothing);
    exclusive_ = exclusive_ || marks.exclusive;
  }

  void matrix(std::string_view name,
              const std::vector<double>& /*values*/,
              std::size_t /*columns*/,
              std::string_view doc,
              const Marks& marks = {}) {
    add(name, doc, schema_.add<std::vector<std::vector<double>>>(), marks, false);
  }

  template <typename Function>
  void computed(std::string_view name,
                const Function&,
                std::string_view doc,
                std::string_view former_name = {}) {
    using Value = std::remove_cvref_t<decltype(std::declval<const Function&>()())>;
    add(name,
        doc,
        schema_.template add<Value>(),
        (kIsOptional<Value> ? kNullEmpty : Marks{}).formerly(former_name),
        false);
    std::ranges::find(described_.fields, name, &Field::name)->computed = true;
  }

  template <typename T>
  void internal(const T& /*value*/) {}

 private:
  void add(std::string_view name,
           std::string_view doc,
           Type type,
           const Marks& marks,
           bool may_hold_nothing) {
    Field field{.name = std::string(name),
                .former_name = std::string(marks.former_name),
                .doc = std::string(doc),
                .type = std::move(type),
                .optional = may_hold_nothing || marks.omit_empty || marks.exclusive ||
                            marks.conditional || exclusive_,
                .nullable = marks.null_empty};
    const auto earlier = std::ranges::find(described_.fields, field.name, &Field::name);
    if (earlier == described_.fields.end()) {
      described_.fields.push_back(std::move(field));
    } else {
      *earlier = std::move(field);
    }
  }

  Schema& schema_;
  Struct& described_;
  bool exclusive_ = false;  ///< a field after which none may be written was added
};

template <typename T>
Type Schema::add() {
  if constexpr (kIsOptional<T>) {
    return add<typename T::value_type>();
  } else if constexpr (std::is_same_v<T, bool>) {
    return {.kind = Type::Kind::Flag};
  } else if constexpr (std::is_integral_v<T>) {
    return {.kind = Type::Kind::Whole};
  } else if constexpr (std::is_floating_point_v<T>) {
    return {.kind = Type::Kind::Number};
  } else if constexpr (std::is_same_v<T, std::string>) {
    return {.kind = Type::Kind::Text};
  } else if constexpr (kIsMap<T>) {
    return {.kind = Type::Kind::Map,
            .object = {},
            .item = {add<typename T::value_type::second_type>()}};
  } else if constexpr (kIsList<T>) {
    return {.kind = Type::Kind::List, .object = {}, .item = {add<typename T::value_type>()}};
  } else {
    Struct described;
    Describer describer(*this, described);
    T value{};
    list_fields(describer, value);
    std::string name = described.name;
    if (find(name) == nullptr) structs_.push_back(std::move(described));
    return {.kind = Type::Kind::Object, .object = std::move(name), .item = {}};
  }
}

}  // namespace ompq::fields
