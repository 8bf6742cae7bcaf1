#pragma once

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

/// @throws DataError for an image without pixels or with more than any sample can have.
void require_sane_size(std::int64_t width, std::int64_t height, std::string_view name);

}  // namespace ompq::data
