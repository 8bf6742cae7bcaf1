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

namespace {

/// [n, c, h, w] or [n, h, w, c] of that many channels.
std::optional<PixelLayout> layout_of(std::span<const std::int64_t> shape, std::int64_t channels) {
  if (channels < 1 || shape.size() != 4) return std::nullopt;
  if (shape[1] == channels) return PixelLayout{shape[2], shape[3], channels, true};
  if (shape[3] == channels) return PixelLayout{shape[1], shape[2], channels, false};
  return std::nullopt;
}

/// The number of channels of an input that does not take images: its first extent, unless only the
/// last one is a plausible number of channels.
std::int64_t channels_wanted(std::span<const std::int64_t> wanted) {
  constexpr std::int64_t kFewest = 4;
  if (wanted.size() != 3 || is_channel_count(wanted[0]) || is_channel_count(wanted[2])) return 0;
  return wanted[2] >= 1 && wanted[2] <= kFewest && wanted[0] > kFewest ? wanted[2] : wanted[0];
}

}  // namespace

std::optional<PixelLayout> pixel_layout(std::span<const std::int64_t> shape,
                                        std::span<const std::int64_t> wanted) {
  constexpr std::int64_t kWithAlpha = 4;
  if (auto layout = layout_of(shape, channels_wanted(wanted))) return layout;
  if (auto layout = picture_layout(shape)) return layout;
  return wanted.size() == 3 ? layout_of(shape, kWithAlpha) : std::nullopt;
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
