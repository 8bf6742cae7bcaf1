#include "ompq/data/preprocess_file.h"

#include <array>
#include <string_view>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "ompq/core/atomic_file.h"
#include "ompq/core/error.h"
#include "ompq/data/preprocess_fields.h"
#include "ompq/fields/read.h"
#include "ompq/fields/write.h"

namespace ompq::data {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

constexpr std::string_view kFormat = "ompq-preprocess/1";

Json parse(const fs::path& file) {
  const std::string expected = fmt::format(
      "preprocessing is {{\"format\": \"{}\", \"channels\": \"rgb\", ...}}, or "
      "preprocessor_config.json of Hugging Face, or config.json of timm",
      kFormat);
  const Json json = fields::parse(read_file(file), {file.string(), expected});
  if (!json.is_object()) throw DataError(file.string(), "is not a JSON object; " + expected);
  return json;
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

/// Detects the format from the object's fields.
Preprocess from_any_format(const fs::path& file, const Json& json) {
  const PreprocessFields fields(file, json);
  if (fields.has("format")) return from_own_format(fields);
  for (const char* part : {"pretrained_cfg", "image_processor"}) {
    const Json* inner = fields.find(part);
    if (inner != nullptr && inner->is_object()) return from_any_format(file, *inner);
  }
  if (is_pretrained_cfg(fields)) return from_pretrained_cfg(fields);
  if (is_image_processor(fields)) return from_image_processor(fields);
  return from_own_format(fields);  // which reports what is missing
}

/// A single number if the sides are equal.
nlohmann::ordered_json size_json(const std::optional<PixelSize>& size, bool always_both) {
  if (!size) return nullptr;
  if (size->height == size->width && !always_both) return size->height;
  return {size->height, size->width};
}

}  // namespace

Preprocess read_preprocess(const fs::path& file) {
  const Preprocess preprocess = from_any_format(file, parse(file));
  if (const auto fault = fault_of(preprocess)) throw DataError(file.string(), *fault);
  return preprocess;
}

fs::path preprocess_file(const fs::path& model) {
  fs::path file = model;
  file.replace_extension(".preprocess.json");
  return file;
}

std::optional<fs::path> find_preprocess(const fs::path& model) {
  fs::path file = preprocess_file(model);
  std::error_code ignored;
  if (!fs::is_regular_file(file, ignored)) return std::nullopt;
  return file;
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
  return fields::text_of(json, 1) + "\n";
}

}  // namespace ompq::data
