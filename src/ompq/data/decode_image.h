#pragma once

#include <string_view>

#include "ompq/data/image.h"

namespace ompq::data {

/// Decodes the bytes of a JPEG, PNG, WebP, BMP or TIFF file, told apart by their first bytes. Alpha
/// is dropped, palettes are looked up, samples of 16 bits become 8, CMYK becomes RGB; of several
/// pages the first is taken. Orientation tags are not followed, as in the usual training pipelines.
/// @param name the file, for messages.
/// @throws DataError naming the file: empty, of another format, cut short, corrupt.
[[nodiscard]] Image decode_image(std::string_view bytes, std::string_view name);

}  // namespace ompq::data
