#include "ompq/data/pixel_array.h"

namespace ompq::data {

bool is_channel_count(std::int64_t extent) { return extent == 1 || extent == 3; }

std::optional<PixelLayout> picture_layout(std::span<const std::int64_t> shape) {
  PixelLayout layout;
  if (shape.size() == 3) {
    layout = {shape[1], shape[2], 1, false};
  } else if (shape.size() == 4 && is_channel_count(shape[3])) {
    layout = {shape[1], shape[2], shape[3], false};
  } else if (shape.size() == 4 && is_channel_count(shape[1])) {
    layout = {shape[2], shape[3], shape[1], true};
  }
  if (layout.height < 1 || layout.width < 1) return std::nullopt;
  return layout;
}

std::optional<PixelLayout> pixel_layout(std::span<const std::int64_t> shape,
                                        std::span<const std::int64_t> wanted) {
  constexpr std::int64_t kWithAlpha = 4;
  if (auto layout = picture_layout(shape)) return layout;
  if (shape.size() != 4 || wanted.size() != 3) return std::nullopt;
  const PixelLayout planar{shape[2], shape[3], shape[1], true};
  const PixelLayout last{shape[1], shape[2], shape[3], false};
  const bool is_last = wanted[2] > 0 && (wanted[0] < 1 || wanted[2] < wanted[0]);
  for (const std::int64_t channels : {is_last ? wanted[2] : wanted[0], kWithAlpha}) {
    if (planar.channels == channels) return planar;
    if (last.channels == channels) return last;
  }
  return std::nullopt;
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
