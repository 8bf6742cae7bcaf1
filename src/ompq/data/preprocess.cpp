#include "ompq/data/preprocess.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <string_view>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "ompq/core/atomic_file.h"
#include "ompq/core/error.h"
#include "ompq/data/preprocess_fields.h"

namespace ompq::data {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

constexpr std::string_view kFormat = "ompq-preprocess/1";
constexpr std::int64_t kMaxSide = 1 << 14;

Json parse(const fs::path& file) {
  const Json json = Json::parse(read_file(file), nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) {
    throw DataError(file.string(),
                    fmt::format("is no JSON object; preprocessing is "
                                "{{\"format\": \"{}\", \"channels\": \"rgb\", ...}}, or "
                                "preprocessor_config.json of Hugging Face, or config.json of timm",
                                kFormat));
  }
  return json;
}

std::optional<std::string> bad_per_channel(std::string_view name,
                                           const std::vector<double>& values,
                                           std::size_t channels) {
  // Arrays may have more channels than pictures; with them it shows whether these are as many.
  const bool more = channels == 3 && values.size() > channels;
  if (!values.empty() && values.size() != 1 && values.size() != channels && !more) {
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

std::optional<std::string> bad_side(std::string_view name, std::optional<PixelSize> size) {
  if (!size) return std::nullopt;
  for (const std::int64_t side : {size->height, size->width}) {
    if (side < 1 || side > kMaxSide) {
      return fmt::format("{} is {} pixels; use 1..{}", name, side, kMaxSide);
    }
  }
  return std::nullopt;
}

bool is_interpolation(const std::string& name) {
  return name == "bilinear" || name == "bicubic" || name == "lanczos" || name == "nearest";
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
  if (!fault) fault = bad_side("resize", preprocess.resize_to);
  if (!fault) fault = bad_side("crop", preprocess.crop);
  if (!fault && preprocess.resize && preprocess.resize_to) {
    fault = fmt::format("resize is {} for the shorter side and {} x {} for both; give one of them",
                        *preprocess.resize,
                        preprocess.resize_to->height,
                        preprocess.resize_to->width);
  }
  if (!fault && !is_interpolation(preprocess.interpolation)) {
    fault = fmt::format(
        "interpolation is \"{}\"; use \"bilinear\", \"bicubic\", \"lanczos\" or \"nearest\"",
        preprocess.interpolation);
  }
  return fault;
}

/// One side, or [height, width].
std::optional<PixelSize> size_of_field(const PreprocessFields& fields, std::string_view name) {
  const Json* found = fields.find(name);
  if (found == nullptr) return std::nullopt;
  if (found->is_number_integer()) return PixelSize(found->get<std::int64_t>());
  const bool is_pair = found->is_array() && found->size() == 2 && (*found)[0].is_number_integer() &&
                       (*found)[1].is_number_integer();
  if (!is_pair) {
    fields.fail(name, "it must be a whole number of pixels, [height, width] or null");
  }
  return PixelSize((*found)[0].get<std::int64_t>(), (*found)[1].get<std::int64_t>());
}

Preprocess from_own_format(const PreprocessFields& fields) {
  static constexpr std::array<std::string_view, 8> kFields{
      "format", "channels", "scale", "mean", "std", "resize", "crop", "interpolation"};
  if (fields.text("format", "") != kFormat) {
    fields.fail("format",
                fmt::format("it must be \"{}\", unless the file is preprocessor_config.json of an "
                            "image processor of Hugging Face or config.json of timm",
                            kFormat));
  }
  fields.require_known(kFields);
  Preprocess preprocess;
  preprocess.channels = fields.text("channels", preprocess.channels);
  preprocess.scale = fields.number("scale", preprocess.scale);
  preprocess.mean = fields.numbers("mean");
  preprocess.std = fields.numbers("std");
  const Json* resize = fields.find("resize");
  if (resize != nullptr && resize->is_array()) {
    preprocess.resize_to = size_of_field(fields, "resize");
  } else if (const auto side = size_of_field(fields, "resize")) {
    preprocess.resize = side->height;
  }
  preprocess.crop = size_of_field(fields, "crop");
  preprocess.interpolation = fields.text("interpolation", preprocess.interpolation);
  return preprocess;
}

/// By the fields that the object has.
Preprocess from_any_format(const fs::path& file, const Json& json) {
  const PreprocessFields fields(file, json);
  if (fields.has("format")) return from_own_format(fields);
  for (const char* part : {"pretrained_cfg", "image_processor"}) {
    const Json* inner = fields.find(part);
    if (inner != nullptr && inner->is_object()) return from_any_format(file, *inner);
  }
  if (is_pretrained_cfg(fields)) return from_pretrained_cfg(fields);
  if (is_image_processor(fields)) return from_image_processor(fields);
  return from_own_format(fields);  // which says what is missing
}

/// One number where the sides are equal.
nlohmann::ordered_json size_json(const std::optional<PixelSize>& size, bool always_both) {
  if (!size) return nullptr;
  if (size->height == size->width && !always_both) return size->height;
  return {size->height, size->width};
}

}  // namespace

void validate(const Preprocess& preprocess) {
  if (const auto fault = find_fault(preprocess)) throw ConfigError("preprocessing", *fault);
}

Preprocess read_preprocess(const fs::path& file) {
  const Preprocess preprocess = from_any_format(file, parse(file));
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
  nlohmann::ordered_json resize = size_json(preprocess.resize_to, /*always_both=*/true);
  if (preprocess.resize) resize = *preprocess.resize;
  const nlohmann::ordered_json json{{"format", kFormat},
                                    {"channels", preprocess.channels},
                                    {"scale", preprocess.scale},
                                    {"mean", preprocess.mean},
                                    {"std", preprocess.std},
                                    {"resize", resize},
                                    {"crop", size_json(preprocess.crop, /*always_both=*/false)},
                                    {"interpolation", preprocess.interpolation}};
  return json.dump(1) + "\n";
}

}  // namespace ompq::data
