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
  if (starts_with(bytes, "BM"sv)) return decode_bmp(bytes, name);
  if (starts_with(bytes, "RIFF"sv) && bytes.size() > 12 && bytes.substr(8, 4) == "WEBP"sv) {
    return decode_webp(bytes, name);
  }
  for (const std::string_view magic : {"II*\0"sv, "MM\0*"sv, "II+\0"sv, "MM\0+"sv}) {
    if (starts_with(bytes, magic)) return decode_tiff(bytes, name);
  }
  throw DataError(name,
                  "the file is no JPEG, PNG, WebP, BMP or TIFF image; convert it to one of them");
}

Image with_channels(Image image, std::int64_t channels) {
  if (image.channels == channels) return image;
  const auto from = static_cast<std::size_t>(image.channels);
  const auto to = static_cast<std::size_t>(channels);
  const bool known = (to == 1 || to == 3) && (from == 1 || from == 3 || from == 4);
  if (!known) {
    throw ShapeError("preprocessing",
                     fmt::format("pixels of {} channels do not become {}; give arrays of as many "
                                 "channels as the network takes",
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
