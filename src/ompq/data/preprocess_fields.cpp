#include "ompq/data/preprocess_fields.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "ompq/core/error.h"

namespace ompq::data {

void PreprocessFields::fail(std::string_view field, std::string_view rule) const {
  const std::string got = object_.contains(field) ? object_.at(field).dump() : "missing";
  throw DataError(file_, fmt::format("field \"{}\" is {}; {}", field, got, rule));
}

const nlohmann::json* PreprocessFields::find(std::string_view field) const {
  const auto found = object_.find(field);
  return found == object_.end() || found->is_null() ? nullptr : &*found;
}

void PreprocessFields::require_known(std::span<const std::string_view> known) const {
  for (const auto& [name, value] : object_.items()) {
    if (std::find(known.begin(), known.end(), name) != known.end()) continue;
    throw DataError(file_,
                    fmt::format("field \"{}\" is unknown; there are {}",
                                name,
                                fmt::join(known.begin(), known.end(), ", ")));
  }
}

double PreprocessFields::number(std::string_view field, double fallback) const {
  const nlohmann::json* found = find(field);
  if (found == nullptr) return fallback;
  if (!found->is_number()) fail(field, "it must be a number");
  return found->get<double>();
}

bool PreprocessFields::flag(std::string_view field, bool fallback) const {
  const nlohmann::json* found = find(field);
  if (found == nullptr) return fallback;
  if (!found->is_boolean()) fail(field, "it must be true or false");
  return found->get<bool>();
}

std::string PreprocessFields::text(std::string_view field, std::string_view fallback) const {
  const nlohmann::json* found = find(field);
  if (found == nullptr) return std::string(fallback);
  if (!found->is_string()) fail(field, "it must be a string");
  return found->get<std::string>();
}

std::vector<double> PreprocessFields::numbers(std::string_view field) const {
  const nlohmann::json* found = find(field);
  if (found == nullptr) return {};
  const bool all_numbers =
      found->is_array() &&
      std::all_of(found->begin(), found->end(), [](const auto& x) { return x.is_number(); });
  if (!all_numbers) fail(field, "it must be an array of numbers, one per channel");
  return found->get<std::vector<double>>();
}

std::optional<std::int64_t> PreprocessFields::pixels(std::string_view field) const {
  const nlohmann::json* found = find(field);
  if (found == nullptr) return std::nullopt;
  if (!found->is_number_integer()) fail(field, "it must be a whole number of pixels or null");
  return found->get<std::int64_t>();
}

}  // namespace ompq::data
