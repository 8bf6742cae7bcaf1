#include "ompq/data/decode_image.h"

#include <fmt/format.h>

#include "ompq/core/error.h"
#include "ompq/core/memory_limit.h"
#include "ompq/data/codecs.h"
#include "ompq/data/decoding_memory.h"

namespace ompq::data {
namespace {

bool starts_with(std::string_view bytes, std::string_view magic) {
  return bytes.substr(0, magic.size()) == magic;
}

}  // namespace

void require_sane_size(std::int64_t width,
                       std::int64_t height,
                       std::int64_t bytes_per_pixel,
                       std::size_t file_bytes,
                       std::string_view name) {
  if (width < 1 || height < 1 || width > kMaxPictureSide || height > kMaxPictureSide) {
    throw DataError(name,
                    fmt::format("an image of {} x {} pixels cannot be used; each side has 1 to {}",
                                width,
                                height,
                                kMaxPictureSide));
  }
  const std::int64_t needed = width * height * bytes_per_pixel;
  const auto size = static_cast<std::int64_t>(file_bytes);
  if (needed <= allowed_bytes(size)) {
    DecodingMemory::reserve(needed);
    return;
  }
  throw DataError(name,
                  fmt::format("an image of {} x {} pixels {}",
                              width,
                              height,
                              over_memory_limit(needed, size, "scale it down")));
}

Image decode_image(std::string_view bytes, std::string_view name) {
  using namespace std::string_view_literals;
  if (bytes.empty()) throw DataError(name, "the file is empty (0 bytes); expected an image");
  if (starts_with(bytes, "\xff\xd8"sv)) return decode_jpeg(bytes, name);
  if (starts_with(bytes, "\x89PNG"sv)) return decode_png(bytes, name);
  if (starts_with(bytes, "BM"sv)) return decode_bmp(bytes, name);
  if (starts_with(bytes, "RIFF"sv) && bytes.size() > 12 && bytes.substr(8, 4) == "WEBP"sv) {
    return decode_webp(bytes, name);
  }
  for (const std::string_view magic : {"II*\0"sv, "MM\0*"sv, "II+\0"sv, "MM\0+"sv}) {
    if (!starts_with(bytes, magic)) continue;
#ifdef OMPQ_TIFF
    return decode_tiff(bytes, name);
#else
    throw DataError(name, "this build of ompq reads no TIFF images; convert it to PNG");
#endif
  }
  throw DataError(
      name, "the file is not a JPEG, PNG, WebP, BMP or TIFF image; convert it to one of them");
}

}  // namespace ompq::data
