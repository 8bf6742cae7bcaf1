#include "ompq/data/image.h"

#include <fmt/format.h>

#include "ompq/core/error.h"
#include "ompq/data/codecs.h"

namespace ompq::data {
namespace {

bool starts_with(std::string_view bytes, std::string_view magic) {
  return bytes.substr(0, magic.size()) == magic;
}

/// Red, green and blue in 2^-16: they add up to 65536, so that gray stays as it is.
std::uint8_t luma(const std::uint8_t* rgb) {
  return static_cast<std::uint8_t>((19595U * rgb[0] + 38470U * rgb[1] + 7471U * rgb[2] + 0x8000U) >>
                                   16);
}

}  // namespace

void require_sane_size(std::int64_t width, std::int64_t height, std::string_view name) {
  // A few bytes can announce a picture of terabytes.
  constexpr std::int64_t kMaxPixels = 200'000'000;
  if (width < 1 || height < 1 || width > kMaxPixels / height) {
    throw DataError(name,
                    fmt::format("an image of {} x {} pixels cannot be used; the limit is {} in all",
                                width,
                                height,
                                kMaxPixels));
  }
}

Image decode_image(std::string_view bytes, std::string_view name) {
  using namespace std::string_view_literals;
  if (bytes.empty()) throw DataError(name, "the file is empty (0 bytes); it should hold an image");
  if (starts_with(bytes, "\xff\xd8"sv)) return decode_jpeg(bytes, name);
  if (starts_with(bytes, "\x89PNG"sv)) return decode_png(bytes, name);
  throw DataError(name, "the file is neither a JPEG nor a PNG image; convert it to one of them");
}

Image with_channels(Image image, std::int64_t channels) {
  if (image.channels == channels) return image;
  const auto count = static_cast<std::size_t>(image.height * image.width);
  Image result{image.height, image.width, channels, {}};
  result.pixels.resize(count * static_cast<std::size_t>(channels));
  for (std::size_t i = 0; i < count; ++i) {
    if (channels == 1) {
      result.pixels[i] = luma(&image.pixels[3 * i]);
    } else {
      for (std::size_t c = 0; c < 3; ++c) result.pixels[3 * i + c] = image.pixels[i];
    }
  }
  return result;
}

}  // namespace ompq::data
