#include <cmath>

#include "ompq/data/preprocess_fields.h"

// timm's pretrained_cfg, stored next to its weights. Defaults of missing fields and the conversion
// of crop_pct to sizes follow timm (data/config.py and transforms_factory.py, 1.0).

namespace ompq::data {
namespace {

std::vector<std::int64_t> input_size_of(const PreprocessFields& fields) {
  const std::vector<double> size = fields.numbers("input_size");
  const bool known = size.size() == 3 && (size[0] == 1 || size[0] == 3) && size[1] >= 1 &&
                     size[2] >= 1 && size[1] <= 0x1p20 && size[2] <= 0x1p20;
  if (!known) fields.fail("input_size", "it must be [channels, height, width], of 1 or 3 channels");
  return {static_cast<std::int64_t>(size[0]),
          static_cast<std::int64_t>(size[1]),
          static_cast<std::int64_t>(size[2])};
}

/// The size before the crop, which keeps a share of `share`.
PixelSize scaled_size(const PixelSize& crop, double share) {
  const auto scaled = [&](std::int64_t side) {
    return static_cast<std::int64_t>(std::floor(static_cast<double>(side) / share));
  };
  return {scaled(crop.height), scaled(crop.width)};
}

}  // namespace

bool is_pretrained_cfg(const PreprocessFields& fields) {
  return fields.has("input_size") && (fields.has("crop_pct") || fields.has("interpolation"));
}

Preprocess from_pretrained_cfg(const PreprocessFields& fields) {
  constexpr double kUsualShare = 0.875;
  const std::vector<std::int64_t> size = input_size_of(fields);
  Preprocess preprocess;
  if (size[0] == 1) preprocess.channels = "gray";
  preprocess.mean = fields.numbers("mean");
  preprocess.std = fields.numbers("std");
  if (preprocess.mean.empty() && size[0] == 3) preprocess.mean = {0.485, 0.456, 0.406};
  if (preprocess.std.empty() && size[0] == 3) preprocess.std = {0.229, 0.224, 0.225};
  preprocess.interpolation = fields.text("interpolation", "bicubic");
  preprocess.crop = PixelSize(size[1], size[2]);
  const double share = fields.number("crop_pct", kUsualShare);
  if (share <= 0 || share > 1) fields.fail("crop_pct", "it must be a share above 0, up to 1");
  const PixelSize scaled = scaled_size(*preprocess.crop, share);
  const std::string mode = fields.text("crop_mode", "center");
  if (mode == "squash") {
    preprocess.resize_to = scaled;
  } else if (mode == "center" && scaled.height == scaled.width) {
    preprocess.resize = scaled.height;
  } else {
    fields.fail(
        "crop_mode",
        "\"squash\", and \"center\" of a square, are supported; prepare the samples as arrays");
  }
  return preprocess;
}

}  // namespace ompq::data
