#include "ompq/data/preprocess.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <string_view>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "ompq/core/atomic_file.h"
#include "ompq/core/error.h"

namespace ompq::data {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

constexpr std::string_view kFormat = "ompq-preprocess/1";
constexpr std::int64_t kMaxSide = 1 << 14;

/// Reads fields of one file and names it, and them, in errors.
class Fields {
 public:
  Fields(const fs::path& file, const Json& object) : file_(file.string()), object_(object) {}

  [[noreturn]] void fail(std::string_view field, std::string_view rule) const {
    const std::string got = object_.contains(field) ? object_.at(field).dump() : "missing";
    throw DataError(file_, fmt::format("field \"{}\" is {}; {}", field, got, rule));
  }

  [[nodiscard]] const Json* find(std::string_view field) const {
    const auto found = object_.find(field);
    return found == object_.end() || found->is_null() ? nullptr : &*found;
  }

  void require_known(std::span<const std::string_view> known) const {
    for (const auto& [name, value] : object_.items()) {
      if (std::find(known.begin(), known.end(), name) != known.end()) continue;
      throw DataError(file_,
                      fmt::format("field \"{}\" is unknown; there are {}",
                                  name,
                                  fmt::join(known.begin(), known.end(), ", ")));
    }
  }

  [[nodiscard]] double number(std::string_view field, double fallback) const {
    const Json* found = find(field);
    if (found == nullptr) return fallback;
    if (!found->is_number()) fail(field, "it must be a number");
    return found->get<double>();
  }

  [[nodiscard]] std::vector<double> numbers(std::string_view field) const {
    const Json* found = find(field);
    if (found == nullptr) return {};
    const bool all_numbers =
        found->is_array() &&
        std::all_of(found->begin(), found->end(), [](const Json& x) { return x.is_number(); });
    if (!all_numbers) fail(field, "it must be an array of numbers, one per channel");
    return found->get<std::vector<double>>();
  }

  [[nodiscard]] std::optional<std::int64_t> pixels(std::string_view field) const {
    const Json* found = find(field);
    if (found == nullptr) return std::nullopt;
    if (!found->is_number_integer()) fail(field, "it must be a whole number of pixels or null");
    return found->get<std::int64_t>();
  }

  [[nodiscard]] std::string text(std::string_view field, std::string_view fallback) const {
    const Json* found = find(field);
    if (found == nullptr) return std::string(fallback);
    if (!found->is_string()) fail(field, "it must be a text");
    return found->get<std::string>();
  }

 private:
  std::string file_;
  const Json& object_;
};

Json parse(const fs::path& file) {
  const Json json = Json::parse(read_file(file), nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) {
    throw DataError(file.string(),
                    fmt::format("is no JSON object; preprocessing reads "
                                "{{\"format\": \"{}\", \"channels\": \"rgb\", ...}}",
                                kFormat));
  }
  return json;
}

std::optional<std::string> bad_per_channel(std::string_view name,
                                           const std::vector<double>& values,
                                           std::size_t channels) {
  if (!values.empty() && values.size() != 1 && values.size() != channels) {
    return fmt::format("{} has {} values for {} channels; give one per channel, or one for all",
                       name,
                       values.size(),
                       channels);
  }
  for (const double value : values) {
    if (!std::isfinite(value)) return fmt::format("{} holds {}, which is no number", name, value);
    if (name == "std" && value == 0) return "std holds 0, by which nothing can be divided";
  }
  return std::nullopt;
}

std::optional<std::string> bad_side(std::string_view name, std::optional<std::int64_t> side) {
  if (!side || (*side >= 1 && *side <= kMaxSide)) return std::nullopt;
  return fmt::format("{} is {} pixels; use 1..{}", name, *side, kMaxSide);
}

/// The first rule that `preprocess` breaks.
std::optional<std::string> find_fault(const Preprocess& preprocess) {
  const auto& channels = preprocess.channels;
  if (channels != "rgb" && channels != "bgr" && channels != "gray") {
    return fmt::format("channels is \"{}\"; use \"rgb\", \"bgr\" or \"gray\"", channels);
  }
  if (!std::isfinite(preprocess.scale) || preprocess.scale == 0) {
    return fmt::format("scale is {}; use a number other than 0, such as 1/255", preprocess.scale);
  }
  const std::size_t count = channels == "gray" ? 1 : 3;
  auto fault = bad_per_channel("mean", preprocess.mean, count);
  if (!fault) fault = bad_per_channel("std", preprocess.std, count);
  if (!fault) fault = bad_side("resize", preprocess.resize);
  if (!fault) fault = bad_side("crop", preprocess.crop);
  return fault;
}

}  // namespace

void validate(const Preprocess& preprocess) {
  if (const auto fault = find_fault(preprocess)) throw ConfigError("preprocessing", *fault);
}

Preprocess read_preprocess(const fs::path& file) {
  static constexpr std::array<std::string_view, 7> kFields{
      "format", "channels", "scale", "mean", "std", "resize", "crop"};
  const Json json = parse(file);
  const Fields fields(file, json);
  if (fields.text("format", "") != kFormat) {
    fields.fail("format", fmt::format("it must be \"{}\"", kFormat));
  }
  fields.require_known(kFields);
  Preprocess preprocess;
  preprocess.channels = fields.text("channels", preprocess.channels);
  preprocess.scale = fields.number("scale", preprocess.scale);
  preprocess.mean = fields.numbers("mean");
  preprocess.std = fields.numbers("std");
  preprocess.resize = fields.pixels("resize");
  preprocess.crop = fields.pixels("crop");
  if (const auto fault = find_fault(preprocess)) throw DataError(file.string(), *fault);
  return preprocess;
}

fs::path preprocess_file(const fs::path& model) {
  fs::path beside = model;
  beside.replace_extension(".preprocess.json");
  return beside;
}

std::optional<fs::path> find_preprocess(const fs::path& model) {
  fs::path beside = preprocess_file(model);
  std::error_code ignored;
  if (!fs::is_regular_file(beside, ignored)) return std::nullopt;
  return beside;
}

std::string to_json(const Preprocess& preprocess) {
  const auto pixels = [](std::optional<std::int64_t> side) {
    return side ? nlohmann::ordered_json(*side) : nlohmann::ordered_json(nullptr);
  };
  const nlohmann::ordered_json json{{"format", kFormat},
                                    {"channels", preprocess.channels},
                                    {"scale", preprocess.scale},
                                    {"mean", preprocess.mean},
                                    {"std", preprocess.std},
                                    {"resize", pixels(preprocess.resize)},
                                    {"crop", pixels(preprocess.crop)}};
  return json.dump(1) + "\n";
}

}  // namespace ompq::data
