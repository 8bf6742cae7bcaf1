#include <array>

#include "ompq/data/preprocess_fields.h"

// preprocessor_config.json, as the image processors of Hugging Face's transformers write and read
// it. Behaviour of the classes that the fields do not describe follows their sources (4.57).

namespace ompq::data {
namespace {

using Fields = PreprocessFields;

std::string class_of(const Fields& fields) {
  const std::string newer = fields.text("image_processor_type", "");
  return newer.empty() ? fields.text("feature_extractor_type", "") : newer;
}

bool is_class(const Fields& fields, std::string_view part) {
  return class_of(fields).find(part) != std::string::npos;
}

/// True if the class takes a single number as the shorter side; the others take it as a square.
bool number_is_shorter_side(const Fields& fields) {
  static constexpr std::array<std::string_view, 9> kClasses{"CLIP",
                                                            "ConvNext",
                                                            "Levit",
                                                            "MobileNetV1",
                                                            "MobileNetV2",
                                                            "MobileViT",
                                                            "PoolFormer",
                                                            "TextNet",
                                                            "BitImage"};
  return std::any_of(kClasses.begin(), kClasses.end(), [&](std::string_view part) {
    return is_class(fields, part);
  });
}

/// {"height": h, "width": w}; nullopt if the object has other keys.
std::optional<PixelSize> height_and_width(const nlohmann::json& object) {
  const auto side = [&](const char* name) {
    const auto found = object.find(name);
    return found != object.end() && found->is_number_integer() ? found->get<std::int64_t>() : 0;
  };
  const PixelSize size(side("height"), side("width"));
  if (!object.is_object() || size.height < 1 || size.width < 1) return std::nullopt;
  return size;
}

/// Resizes by the shorter side, with the special rules of some classes.
void resize_shorter_side(const Fields& fields, std::int64_t side, Preprocess& preprocess) {
  constexpr std::int64_t kNoCropFrom = 384;
  constexpr double kUsualShare = 224.0 / 256.0;
  const bool conv_next = is_class(fields, "ConvNext");
  preprocess.resize = side;
  if (conv_next && side >= kNoCropFrom) {
    preprocess.resize.reset();
    preprocess.resize_to = PixelSize(side);
  } else if (conv_next || fields.has("crop_pct")) {
    const double share = fields.number("crop_pct", kUsualShare);
    if (share <= 0) fields.fail("crop_pct", "it must be a share above 0");
    preprocess.resize = static_cast<std::int64_t>(static_cast<double>(side) / share);
    preprocess.crop = PixelSize(side);
  } else if (is_class(fields, "Levit")) {
    preprocess.resize = static_cast<std::int64_t>(256.0 / 224.0 * static_cast<double>(side));
  }
}

void read_size(const Fields& fields, Preprocess& preprocess) {
  static constexpr std::string_view kRule =
      "ompq resizes to a number, {\"shortest_edge\": n} or {\"height\": h, \"width\": w}; use "
      "--resize, or prepare the samples as arrays";
  if (!fields.flag("do_resize", true)) return;
  if (fields.has("size_divisor")) {
    fields.fail("size_divisor", "ompq does not round sizes to multiples; use --resize or --crop");
  }
  const nlohmann::json* size = fields.find("size");
  if (size == nullptr) fields.fail("size", kRule);
  if (size->is_number_integer()) {
    const auto side = size->get<std::int64_t>();
    if (number_is_shorter_side(fields)) return resize_shorter_side(fields, side, preprocess);
    preprocess.resize_to = PixelSize(side);
    return;
  }
  if (const auto both = height_and_width(*size)) {
    preprocess.resize_to = both;
    return;
  }
  const bool shortest = size->is_object() && size->size() == 1 && size->contains("shortest_edge") &&
                        size->at("shortest_edge").is_number_integer();
  if (!shortest) fields.fail("size", kRule);
  resize_shorter_side(fields, size->at("shortest_edge").get<std::int64_t>(), preprocess);
}

void read_crop(const Fields& fields, Preprocess& preprocess) {
  if (!fields.flag("do_center_crop", false)) return;
  const nlohmann::json* size = fields.find("crop_size");
  if (size != nullptr && size->is_number_integer()) {
    preprocess.crop = PixelSize(size->get<std::int64_t>());
    return;
  }
  preprocess.crop = size == nullptr ? std::nullopt : height_and_width(*size);
  if (!preprocess.crop) {
    fields.fail("crop_size", "it must be a number or {\"height\": h, \"width\": w}");
  }
}

/// Pillow's filter numbers.
std::string filter_of(const Fields& fields) {
  const std::int64_t number = fields.pixels("resample").value_or(2);
  switch (number) {
    case 0:
      return "nearest";
    case 1:
      return "lanczos";
    case 2:
      return "bilinear";
    case 3:
      return "bicubic";
    default:
      fields.fail("resample", "it must be 0 (nearest), 1 (lanczos), 2 (bilinear) or 3 (bicubic)");
  }
}

/// A single number applies to all channels.
std::vector<double> one_or_more(const Fields& fields, std::string_view name) {
  const nlohmann::json* found = fields.find(name);
  if (found != nullptr && found->is_number()) return {found->get<double>()};
  return fields.numbers(name);
}

void read_values(const Fields& fields, Preprocess& preprocess) {
  const bool rescales = fields.flag("do_rescale", true);
  preprocess.scale = rescales ? fields.number("rescale_factor", preprocess.scale) : 1.0;
  if (fields.flag("do_normalize", fields.has("image_mean"))) {
    preprocess.mean = one_or_more(fields, "image_mean");
    preprocess.std = one_or_more(fields, "image_std");
    if (preprocess.mean.empty()) fields.fail("image_mean", "do_normalize needs it");
    if (preprocess.std.empty()) fields.fail("image_std", "do_normalize needs it");
  }
  if (rescales && fields.flag("rescale_offset", false)) {  // pixel * factor - 1 is applied first
    if (preprocess.mean.empty()) preprocess.mean = {0};
    for (double& mean : preprocess.mean) mean += 1;
  }
  if (is_class(fields, "EfficientNet") && fields.flag("include_top", true)) {
    for (double& std : preprocess.std) std *= std;  // this class divides by std twice
  }
}

}  // namespace

bool is_image_processor(const Fields& fields) {
  for (const char* name : {"image_processor_type", "feature_extractor_type"}) {
    if (fields.has(name)) return true;
  }
  return fields.has("image_mean") || fields.has("do_resize") || fields.has("do_rescale");
}

Preprocess from_image_processor(const Fields& fields) {
  for (const char* name : {"do_pad", "do_thumbnail", "do_align_long_axis", "do_image_splitting"}) {
    if (fields.flag(name, false)) {
      fields.fail(name, "ompq does not support this step; prepare the samples as arrays");
    }
  }
  Preprocess preprocess;
  if (fields.flag("do_flip_channel_order", is_class(fields, "MobileViT"))) {
    preprocess.channels = "bgr";
  }
  if (fields.flag("do_grayscale", false)) preprocess.channels = "gray";
  preprocess.interpolation = filter_of(fields);
  read_size(fields, preprocess);
  read_crop(fields, preprocess);
  read_values(fields, preprocess);
  return preprocess;
}

}  // namespace ompq::data
