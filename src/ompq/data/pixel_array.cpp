#include "ompq/data/pixel_array.h"

#include <algorithm>
#include <cstring>

#include <fmt/format.h>

#include "ompq/core/error.h"

namespace ompq::data {

bool is_channel_count(std::int64_t extent) { return extent == 1 || extent == 3; }

PixelLayout pixel_layout(const std::vector<std::int64_t>& shape, std::string_view name) {
  PixelLayout layout;
  if (shape.size() == 3) {
    layout = {shape[1], shape[2], 1, false};
  } else if (shape.size() == 4 && is_channel_count(shape[3])) {
    layout = {shape[1], shape[2], shape[3], false};
  } else if (shape.size() == 4 && is_channel_count(shape[1])) {
    layout = {shape[2], shape[3], shape[1], true};
  }
  if (layout.height < 1 || layout.width < 1) {
    throw DataError(name,
                    fmt::format("an array of shape {} holds no images; they are [n, h, w], "
                                "[n, h, w, c] or [n, c, h, w] with 1 or 3 channels",
                                shape_text(shape)));
  }
  return layout;
}

Image image_at(const Tensor& pixels, const PixelLayout& layout, std::int64_t index) {
  const auto count = static_cast<std::size_t>(layout.height * layout.width);
  const auto channels = static_cast<std::size_t>(layout.channels);
  const auto sample = pixels.data<std::uint8_t>().subspan(
      static_cast<std::size_t>(index) * count * channels, count * channels);
  Image image{layout.height, layout.width, layout.channels, {sample.begin(), sample.end()}};
  if (!layout.planar) return image;
  for (std::size_t c = 0; c < channels; ++c) {
    for (std::size_t i = 0; i < count; ++i) image.pixels[i * channels + c] = sample[c * count + i];
  }
  return image;
}

}  // namespace ompq::data
