#include "ompq/data/image_transform.h"

#include <algorithm>

#include <fmt/format.h>

#include "ompq/core/error.h"
#include "ompq/core/tensor.h"
#include "ompq/data/pixel_array.h"
#include "ompq/data/resize.h"

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
                               std::array<std::int64_t, 2> natural)
    : preprocess_(preprocess), extents_(std::move(extents)) {
  validate(preprocess_);
  const bool rank3 = extents_.size() == 3;
  channels_last_ = rank3 && !is_channel_count(extents_[0]) && is_channel_count(extents_[2]);
  is_image_ = rank3 && (channels_last_ || is_channel_count(extents_[0]));
  if (is_image_) {
    const std::size_t first_side = channels_last_ ? 0 : 1;
    channels_ = extents_[channels_last_ ? 2 : 0];
    for (std::size_t side = 0; side < 2; ++side) {
      std::int64_t& extent = extents_[first_side + side];
      if (extent < 1) extent = preprocess_.crop.value_or(natural[side]);
    }
    height_ = extents_[first_side];
    width_ = extents_[first_side + 1];
  }
  if (std::any_of(extents_.begin(), extents_.end(), [](auto extent) { return extent < 1; })) {
    throw ConfigError("preprocessing",
                      fmt::format("input \"{}\" takes samples of shape {}, which leaves the size "
                                  "open; give a crop",
                                  input_name,
                                  shape_text(extents_)));
  }
  require_channel_values();
  for (std::int64_t c = 0; c < channels_; ++c) {
    values_.push_back(value_table(preprocess_, static_cast<std::size_t>(c)));
  }
}

void ImageTransform::require_channel_values() const {
  const auto limit = static_cast<std::size_t>(channels_);
  if (preprocess_.mean.size() <= limit && preprocess_.std.size() <= limit) return;
  throw ConfigError("preprocessing",
                    fmt::format("mean has {} values and std {}, but the network takes {} channel; "
                                "give one value",
                                preprocess_.mean.size(),
                                preprocess_.std.size(),
                                channels_));
}

Image ImageTransform::fit(Image image) const {
  if (is_image_) {
    if (preprocess_.channels == "gray") image = with_channels(std::move(image), 1);
    return fit_size(with_channels(std::move(image), channels_));
  }
  if (image.height * image.width != element_count(extents_)) {
    throw ShapeError("preprocessing",
                     fmt::format("an image of {} x {} pixels is no sample of shape {}",
                                 image.width,
                                 image.height,
                                 shape_text(extents_)));
  }
  return with_channels(std::move(image), 1);
}

Image ImageTransform::fit_size(Image image) const {
  const auto has_size = [&](const Image& candidate) {
    return candidate.height == height_ && candidate.width == width_;
  };
  if (has_size(image)) return image;
  const std::int64_t crop_height = preprocess_.crop.value_or(height_);
  const std::int64_t crop_width = preprocess_.crop.value_or(width_);
  image = resize_to_cover(
      image, preprocess_.resize.value_or(crop_height), preprocess_.resize.value_or(crop_width));
  if (crop_height <= image.height && crop_width <= image.width) {
    image = crop_centre(image, crop_height, crop_width);
  }
  return has_size(image) ? image : resize(image, height_, width_);
}

void ImageTransform::write(const Image& image, float* out) const {
  const auto count = static_cast<std::size_t>(image.height * image.width);
  const auto channels = static_cast<std::size_t>(channels_);
  const bool reversed = preprocess_.channels == "bgr";
  for (std::size_t c = 0; c < channels; ++c) {
    const std::array<float, 256>& values = values_[c];
    const std::uint8_t* pixel = image.pixels.data() + (reversed ? channels - 1 - c : c);
    float* to = out + (channels_last_ ? c : c * count);
    const std::size_t step = channels_last_ ? channels : 1;
    for (std::size_t i = 0; i < count; ++i) to[i * step] = values[pixel[i * channels]];
  }
}

}  // namespace ompq::data
