#include "ompq/data/image_transform.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "ompq/core/error.h"
#include "ompq/core/memory_limit.h"
#include "ompq/core/tensor.h"
#include "ompq/data/input_spec.h"
#include "ompq/data/pixel_array.h"

namespace ompq::data {
namespace {

double of_channel(const std::vector<double>& values, std::size_t channel, double fallback) {
  if (values.empty()) return fallback;
  return values[std::min(channel, values.size() - 1)];
}

/// value = (pixel * scale - mean) / std for all 256 pixels.
std::array<float, 256> value_table(const Preprocess& preprocess, std::size_t channel) {
  const double mean = of_channel(preprocess.mean, channel, 0);
  const double std = of_channel(preprocess.std, channel, 1);
  std::array<float, 256> table{};
  for (std::size_t pixel = 0; pixel < table.size(); ++pixel) {
    table[pixel] = static_cast<float>((static_cast<double>(pixel) * preprocess.scale - mean) / std);
  }
  return table;
}

}  // namespace

ImageTransform::ImageTransform(const Preprocess& preprocess,
                               std::vector<std::int64_t> extents,
                               std::string_view input_name,
                               std::array<std::int64_t, 2> natural,
                               std::int64_t channels)
    : preprocess_(preprocess),
      input_name_(input_name),
      interpolation_(interpolation_of(preprocess.interpolation)),
      extents_(std::move(extents)) {
  validate(preprocess_);
  const auto is_channels = [&](std::int64_t extent) {
    return is_channel_count(extent) || (channels > 0 && extent == channels);
  };
  const bool rank3 = extents_.size() == 3;
  channels_last_ = rank3 && !is_channels(extents_[0]) && is_channels(extents_[2]);
  is_image_ = rank3 && (channels_last_ || is_channels(extents_[0]));
  if (is_image_) close_extents(natural);
  require_closed();
  require_memory();
  require_channel_values();
  for (std::int64_t c = 0; c < channels_; ++c) {
    values_.push_back(value_table(preprocess_, static_cast<std::size_t>(c)));
  }
  for (const float value : possible_values()) {
    if (std::isfinite(value)) continue;
    throw ConfigError("preprocessing",
                      fmt::format("scale, mean and std give pixels the value {}; use moderate "
                                  "numbers",
                                  value));
  }
}

void ImageTransform::close_extents(std::array<std::int64_t, 2> natural) {
  if (preprocess_.resize && natural[0] > 0) {
    natural = covering_sides(natural, *preprocess_.resize, *preprocess_.resize);
  }
  PixelSize open(natural[0], natural[1]);
  if (preprocess_.resize_to) open = *preprocess_.resize_to;
  if (preprocess_.crop) open = *preprocess_.crop;
  const std::size_t first_side = channels_last_ ? 0 : 1;
  std::int64_t& height = extents_[first_side];
  std::int64_t& width = extents_[first_side + 1];
  if (height < 1) height = open.height;
  if (width < 1) width = open.width;
  channels_ = extents_[channels_last_ ? 2 : 0];
  height_ = height;
  width_ = width;
}

void ImageTransform::require_closed() const {
  const auto is_open = [](std::int64_t extent) { return extent < 1; };
  if (std::none_of(extents_.begin(), extents_.end(), is_open)) return;
  std::string example = "-1";
  for (const std::int64_t extent : extents_) {
    example += fmt::format(",{}", is_open(extent) ? 224 : extent);
  }
  throw ConfigError("preprocessing",
                    fmt::format("input \"{}\" takes samples of shape {}, whose size is open, and "
                                "the images differ in size; give --crop, or "
                                "--input-shape {}={}",
                                input_name_,
                                extents_text(extents_),
                                input_name_,
                                example));
}

void ImageTransform::require_memory() const {
  std::int64_t bytes = sizeof(float);
  for (const std::int64_t extent : extents_) bytes = saturated_product(bytes, extent);
  if (bytes <= memory_limit()) return;
  throw ConfigError("preprocessing",
                    fmt::format("a sample of shape {} for input \"{}\" {}",
                                extents_text(extents_),
                                input_name_,
                                over_memory_limit(bytes, 0, "give a smaller size")));
}

void ImageTransform::require_channel_values() const {
  const auto limit = static_cast<std::size_t>(channels_);
  if (preprocess_.mean.size() <= limit && preprocess_.std.size() <= limit) return;
  throw ConfigError("preprocessing",
                    fmt::format("mean has {} values and std {}, but input \"{}\" takes {} "
                                "channel{}; give one value per channel, or one for all",
                                preprocess_.mean.size(),
                                preprocess_.std.size(),
                                input_name_,
                                channels_,
                                channels_ == 1 ? "" : "s"));
}

std::vector<float> ImageTransform::possible_values() const {
  std::vector<float> all;
  for (const auto& table : values_) all.insert(all.end(), table.begin(), table.end());
  return all;
}

Image ImageTransform::fit(Image image) const {
  if (is_image_) {
    if (preprocess_.channels == "gray") image = with_channels(std::move(image), 1);
    return fit_size(with_channels(std::move(image), channels_));
  }
  if (image.height * image.width != element_count(extents_)) {
    throw ShapeError("preprocessing",
                     fmt::format("an image of {} x {} pixels does not fit a sample of shape {}",
                                 image.width,
                                 image.height,
                                 shape_text(extents_)));
  }
  return with_channels(std::move(image), 1);
}

Image ImageTransform::resized(const Image& image) const {
  if (preprocess_.resize_to) {
    return resize(
        image, preprocess_.resize_to->height, preprocess_.resize_to->width, interpolation_);
  }
  if (preprocess_.resize) {
    return resize_to_cover(image, *preprocess_.resize, *preprocess_.resize, interpolation_);
  }
  const PixelSize needed = preprocess_.crop.value_or(PixelSize(height_, width_));
  const bool holds_crop = image.height >= needed.height && image.width >= needed.width;
  if (preprocess_.crop && holds_crop) return image;
  return resize_to_cover(image, needed.height, needed.width, interpolation_);
}

Image ImageTransform::fit_size(Image image) const {
  const auto has_size = [&](const Image& candidate) {
    return candidate.height == height_ && candidate.width == width_;
  };
  if (has_size(image)) return image;
  const PixelSize crop = preprocess_.crop.value_or(PixelSize(height_, width_));
  // After a resize, crop as torchvision does; without one, as a NumPy slice does.
  const bool resizes = preprocess_.resize || preprocess_.resize_to || !preprocess_.crop;
  image = resized(image);
  if (crop.height <= image.height && crop.width <= image.width) {
    image =
        crop_centre(image, crop.height, crop.width, resizes ? HalfPixel::ToEven : HalfPixel::Down);
  }
  return has_size(image) ? image : resize(image, height_, width_, interpolation_);
}

void ImageTransform::write(const Image& image, float* out) const {
  const auto count = static_cast<std::size_t>(image.height * image.width);
  const auto channels = static_cast<std::size_t>(channels_);
  const bool reversed = preprocess_.channels == "bgr" && channels == 3;
  for (std::size_t c = 0; c < channels; ++c) {
    const std::array<float, 256>& values = values_[c];
    const std::uint8_t* pixel = image.pixels.data() + (reversed ? channels - 1 - c : c);
    float* to = out + (channels_last_ ? c : c * count);
    const std::size_t step = channels_last_ ? channels : 1;
    for (std::size_t i = 0; i < count; ++i) to[i * step] = values[pixel[i * channels]];
  }
}

}  // namespace ompq::data
