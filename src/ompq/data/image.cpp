#include "ompq/data/image.h"

#include <fmt/format.h>

#include "ompq/core/error.h"

namespace ompq::data {
namespace {

/// Red, green and blue in 2^-16: they add up to 65536, so that gray is unchanged.
std::uint8_t luma(const std::uint8_t* rgb) {
  return static_cast<std::uint8_t>((19595U * rgb[0] + 38470U * rgb[1] + 7471U * rgb[2] + 0x8000U) >>
                                   16);
}

}  // namespace

Image with_channels(Image image, std::int64_t channels) {
  if (image.channels == channels) return image;
  const auto from = static_cast<std::size_t>(image.channels);
  const auto to = static_cast<std::size_t>(channels);
  const bool known = (to == 1 || to == 3) && (from == 1 || from == 3 || from == 4);
  if (!known) {
    throw ShapeError("preprocessing",
                     fmt::format("cannot convert pixels of {} channels to {}; give arrays with as "
                                 "many channels as the network takes",
                                 from,
                                 to));
  }
  const auto count = static_cast<std::size_t>(image.height * image.width);
  Image result{image.height, image.width, channels, {}};
  result.pixels.resize(count * to);
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint8_t* pixel = &image.pixels[from * i];
    if (to == 1) {
      result.pixels[i] = luma(pixel);
    } else {
      for (std::size_t c = 0; c < 3; ++c) result.pixels[3 * i + c] = pixel[from == 1 ? 0 : c];
    }
  }
  return result;
}

}  // namespace ompq::data
