#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "ompq/core/display_text.h"
#include "ompq/fields/declare.h"

namespace ompq::fields {

using Json = nlohmann::ordered_json;

/// JSON text that is valid and safe to show, also if names in it are not UTF-8 or have control
/// characters. @param indent  spaces per level; -1: one line.
[[nodiscard]] inline std::string text_of(const Json& json, int indent = -1) {
  return display_json(json.dump(indent, ' ', false, Json::error_handler_t::replace));
}

/// An object with the declared fields of a struct, or the JSON of a plain value.
template <typename T>
[[nodiscard]] Json to_json(const T& value);

/// The visitor that adds fields to an object.
class Writer {
 public:
  explicit Writer(Json& object) : object_(object) {}

  void type(std::string_view /*name*/, std::string_view /*doc*/) {}

  template <typename T>
  void operator()(std::string_view name,
                  const T& value,
                  std::string_view /*doc*/,
                  const Marks& marks = {}) {
    if (done_ || !marks.present) return;
    if (is_empty(value) && (marks.omit_empty || marks.exclusive)) return;
    if (is_empty(value) && marks.null_empty) {
      set(name, Json());
    } else if constexpr (kIsOptional<T>) {
      if (value) set(name, to_json(*value));
    } else if constexpr (std::is_same_v<T, std::string>) {
      set(name, marks.json_text ? Json::parse(value) : Json(value));
    } else {
      set(name, to_json(value));
    }
    done_ = marks.exclusive;
  }

  void matrix(std::string_view name,
              const std::vector<double>& values,
              std::size_t columns,
              std::string_view /*doc*/,
              const Marks& marks = {}) {
    if (done_ || !marks.present) return;
    Json rows = Json::array();
    for (std::size_t begin = 0; columns > 0 && begin < values.size(); begin += columns) {
      const auto row = values.begin() + static_cast<std::ptrdiff_t>(begin);
      rows.push_back(std::vector<double>(row, row + static_cast<std::ptrdiff_t>(columns)));
    }
    set(name, std::move(rows));
  }

  template <typename Function>
  void computed(std::string_view name,
                const Function& function,
                std::string_view doc,
                std::string_view /*former_name*/ = {}) {
    if (done_) return;
    const auto value = function();
    if constexpr (kIsOptional<std::remove_cvref_t<decltype(value)>>) {
      (*this)(name, value, doc, kNullEmpty);
    } else {
      (*this)(name, value, doc);
    }
  }

  template <typename T>
  void internal(const T& /*value*/) {}

 private:
  /// A later field replaces an earlier one of the same name.
  void set(std::string_view name, Json value) { object_[std::string(name)] = std::move(value); }

  Json& object_;
  bool done_ = false;
};

/// Adds the declared fields of the struct to `object`.
template <typename T>
void add_fields(Json& object, const T& value) {
  Writer writer(object);
  list_fields(writer, value);
}

template <typename T>
Json to_json(const T& value) {
  if constexpr (std::is_arithmetic_v<T> || std::is_same_v<T, std::string>) {
    return value;
  } else if constexpr (kIsOptional<T>) {
    return value ? to_json(*value) : Json();
  } else if constexpr (kIsMap<T>) {
    Json json = Json::object();
    for (const auto& [name, entry] : value) json[name] = to_json(entry);
    return json;
  } else if constexpr (kIsList<T>) {
    Json json = Json::array();
    for (const auto& entry : value) json.push_back(to_json(entry));
    return json;
  } else {
    Json json = Json::object();
    add_fields(json, value);
    return json;
  }
}

}  // namespace ompq::fields
