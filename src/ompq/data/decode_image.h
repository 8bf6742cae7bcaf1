#pragma once

#include <string_view>

#include "ompq/data/image.h"

namespace ompq::data {

/// Decodes the bytes of a JPEG, PNG, WebP, BMP or TIFF file, identified by its first bytes. Alpha
/// is dropped, palettes are resolved, 16-bit samples become 8-bit, CMYK becomes RGB; only the first
/// of several pages is read. Orientation tags are ignored, as in the usual training pipelines.
/// @param name the file, for messages.
/// @throws DataError naming the file: it is empty, of another format, truncated or corrupt.
[[nodiscard]] Image decode_image(std::string_view bytes, std::string_view name);

}  // namespace ompq::data
