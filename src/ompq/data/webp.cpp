#include <fmt/format.h>
#include <webp/decode.h>

#include "ompq/core/error.h"
#include "ompq/data/codecs.h"

namespace ompq::data {
namespace {

[[noreturn]] void refuse_webp(std::string_view name, std::string_view reason) {
  throw DataError(name, fmt::format("the WebP image is broken: {}", reason));
}

std::string_view text_of(VP8StatusCode status) {
  switch (status) {
    case VP8_STATUS_NOT_ENOUGH_DATA:
    case VP8_STATUS_SUSPENDED:
      return "the file ends too early";
    case VP8_STATUS_OUT_OF_MEMORY:
      return "out of memory";
    case VP8_STATUS_UNSUPPORTED_FEATURE:
      return "it uses a feature that libwebp does not support";
    default:
      return "its data cannot be decoded";
  }
}

}  // namespace

Image decode_webp(std::string_view bytes, std::string_view name) {
  const auto* data = reinterpret_cast<const std::uint8_t*>(bytes.data());
  WebPDecoderConfig config;
  if (WebPInitDecoderConfig(&config) == 0) refuse_webp(name, "the libwebp version does not match");
  const VP8StatusCode known = WebPGetFeatures(data, bytes.size(), &config.input);
  if (known != VP8_STATUS_OK) refuse_webp(name, text_of(known));
  if (config.input.has_animation != 0) {
    throw DataError(name, "the WebP file is an animation; save a single frame");
  }
  constexpr std::int64_t kBytesPerPixel = 4 + 3;  // libwebp's own pixels, and the image's
  require_sane_size(config.input.width, config.input.height, kBytesPerPixel, bytes.size(), name);
  Image image{config.input.height, config.input.width, 3, {}};
  image.pixels.resize(static_cast<std::size_t>(image.height * image.width * 3));
  config.output.colorspace = MODE_RGB;  // drops alpha
  config.output.is_external_memory = 1;
  config.output.u.RGBA = {
      image.pixels.data(), static_cast<int>(image.width * 3), image.pixels.size()};
  const VP8StatusCode decoded = WebPDecode(data, bytes.size(), &config);
  WebPFreeDecBuffer(&config.output);
  if (decoded != VP8_STATUS_OK) refuse_webp(name, text_of(decoded));
  return image;
}

}  // namespace ompq::data
