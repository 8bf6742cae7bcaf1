#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "ompq/fields/declare.h"

namespace ompq::fields {

using Json = nlohmann::ordered_json;

/// Where a document comes from, for error messages.
struct Source {
  std::string place;    ///< a file name, or a kind of document: "journal"
  std::string remedy;   ///< what to do: "remove it to start again"
  bool finite = false;  ///< null is refused for a number; in results it is NaN, which JSON lacks
};

/// Nested objects and lists of a document, at most; ompq's have about ten.
inline constexpr int kMostNested = 100;

/// The only function that reads JSON from a file: other functions of the library are recursive, and
/// its exceptions do not say what to do.
/// @throws DataError if `text` is not valid JSON (naming the byte), is nested deeper than
/// kMostNested, has a key twice in an object, or a number out of the range of double.
[[nodiscard]] Json parse(std::string_view text, const Source& source);
/// The same, but nullopt instead of an error.
[[nodiscard]] std::optional<Json> parse_if_valid(std::string_view text);

/// @throws DataError "PATH is FOUND; it must be EXPECTED; WAY OUT".
[[noreturn]] void refuse(const Source& source,
                         std::string_view path,
                         const Json& found,
                         std::string_view expected);
/// @throws DataError for a missing field.
[[noreturn]] void refuse_missing(const Source& source, std::string_view path);
/// @throws DataError unless `value` is in the range given by the marks.
void require_range(const Source& source,
                   std::string_view path,
                   const Json& found,
                   const Marks& marks);
/// "layers[3].weights" of "layers[3]" and "weights".
[[nodiscard]] std::string path_of(std::string_view parent, std::string_view name);

/// The value in `json`; types and ranges are checked, unknown keys ignored.
/// @param path  path of `json` in the document; "" for the document itself.
/// @throws DataError naming the field, its value, the expected value and the remedy.
template <typename T>
[[nodiscard]] T from_json(const Json& json,
                          const Source& source,
                          const std::string& path = "",
                          const Marks& marks = {});

/// The visitor that reads fields of an object.
class Reader {
 public:
  Reader(const Json& object, const Source& source, std::string path)
      : object_(object), source_(source), path_(std::move(path)) {}

  void type(std::string_view /*name*/, std::string_view /*doc*/) {}

  template <typename T>
  void operator()(std::string_view name,
                  T& value,
                  std::string_view /*doc*/,
                  const Marks& marks = {}) {
    if (done_) return;
    const bool optional = kIsOptional<T> || marks.omit_empty || marks.exclusive ||
                          marks.may_be_missing || (marks.conditional && !marks.present);
    const Json* found = find(name, marks, optional);
    if (found == nullptr) return;
    if (found->is_null() && (kIsOptional<T> || marks.null_empty)) {
      value = T{};
    } else if constexpr (std::is_same_v<T, std::string>) {
      value = marks.json_text ? found->dump() : from_json<T>(*found, source_, path(name), marks);
    } else {
      value = from_json<T>(*found, source_, path(name), marks);
    }
    done_ = marks.exclusive && !is_empty(value);
  }

  void matrix(std::string_view name,
              std::vector<double>& values,
              std::size_t columns,
              std::string_view /*doc*/,
              const Marks& marks = {}) {
    if (done_) return;
    const Json* found = find(name, marks, marks.conditional);
    if (found == nullptr) return;
    values.clear();
    const auto rows = from_json<std::vector<std::vector<double>>>(*found, source_, path(name));
    for (std::size_t r = 0; r < rows.size(); ++r) {
      if (rows[r].size() != columns) {
        refuse(source_,
               path(name) + "[" + std::to_string(r) + "]",
               (*found)[r],
               "a list of " + std::to_string(columns) + " numbers");
      }
      values.insert(values.end(), rows[r].begin(), rows[r].end());
    }
  }

  template <typename Function>
  void computed(std::string_view /*name*/,
                const Function& /*function*/,
                std::string_view /*doc*/,
                std::string_view /*former_name*/ = {}) {}

  template <typename T>
  void internal(T& /*value*/) {}

 private:
  [[nodiscard]] std::string path(std::string_view name) const { return path_of(path_, name); }

  /// Null if an optional field is missing.
  [[nodiscard]] const Json* find(std::string_view name, const Marks& marks, bool optional) const {
    auto found = object_.find(std::string(name));
    if (found == object_.end() && !marks.former_name.empty()) {
      found = object_.find(std::string(marks.former_name));
    }
    if (found != object_.end()) return &*found;
    if (!optional) refuse_missing(source_, path(name));
    return nullptr;
  }

  const Json& object_;
  const Source& source_;
  std::string path_;
  bool done_ = false;
};

template <typename T>
T whole_from(const Json& json, const Source& source, const std::string& path, const Marks& marks) {
  const bool fits = json.is_number_unsigned()
                        ? std::in_range<T>(json.get<std::uint64_t>())
                        : json.is_number_integer() && std::in_range<T>(json.get<std::int64_t>());
  if (!fits) refuse(source, path, json, "a whole number");
  require_range(source, path, json, marks);
  return json.get<T>();
}

template <typename T>
T from_json(const Json& json, const Source& source, const std::string& path, const Marks& marks) {
  if constexpr (kIsOptional<T>) {
    return from_json<typename T::value_type>(json, source, path, marks);
  } else if constexpr (std::is_same_v<T, bool>) {
    if (!json.is_boolean()) refuse(source, path, json, "true or false");
    return json.get<bool>();
  } else if constexpr (std::is_integral_v<T>) {
    return whole_from<T>(json, source, path, marks);
  } else if constexpr (std::is_floating_point_v<T>) {
    if (json.is_null() && !source.finite) return std::numeric_limits<T>::quiet_NaN();
    if (!json.is_number()) refuse(source, path, json, "a number");
    require_range(source, path, json, marks);
    return json.get<T>();
  } else if constexpr (std::is_same_v<T, std::string>) {
    if (!json.is_string()) refuse(source, path, json, "a text");
    return json.get<std::string>();
  } else if constexpr (kIsMap<T>) {
    if (!json.is_object()) refuse(source, path, json, "an object");
    T map;
    for (const auto& [name, entry] : json.items()) {
      using Entry = typename T::value_type::second_type;
      map.emplace_back(name, from_json<Entry>(entry, source, path_of(path, name), marks));
    }
    return map;
  } else if constexpr (kIsList<T>) {
    if (!json.is_array()) refuse(source, path, json, "a list");
    T list;
    for (std::size_t i = 0; i < json.size(); ++i) {
      list.push_back(from_json<typename T::value_type>(
          json[i], source, path + "[" + std::to_string(i) + "]", marks));
    }
    return list;
  } else {
    if (!json.is_object()) refuse(source, path, json, "an object");
    T value{};
    Reader reader(json, source, path);
    list_fields(reader, value);
    return value;
  }
}

}  // namespace ompq::fields
