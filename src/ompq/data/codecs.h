#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "ompq/data/image.h"

namespace ompq::data {

/// One decoder per file format; `name` is for messages.
/// @throws DataError if the bytes are truncated or corrupt.
[[nodiscard]] Image decode_jpeg(std::string_view bytes, std::string_view name);
[[nodiscard]] Image decode_png(std::string_view bytes, std::string_view name);
[[nodiscard]] Image decode_webp(std::string_view bytes, std::string_view name);
[[nodiscard]] Image decode_bmp(std::string_view bytes, std::string_view name);
[[nodiscard]] Image decode_tiff(std::string_view bytes, std::string_view name);

/// A longer side is of no camera, and filters need memory for each pixel of a side.
inline constexpr std::int64_t kMaxPictureSide = 1'000'000;

/// Called with the size in the header, before anything is allocated. @param bytes_per_pixel  that
/// decoding takes. @throws DataError for an image without pixels, or with more than a file of
/// `file_bytes` may take.
void require_sane_size(std::int64_t width,
                       std::int64_t height,
                       std::int64_t bytes_per_pixel,
                       std::size_t file_bytes,
                       std::string_view name);

}  // namespace ompq::data
