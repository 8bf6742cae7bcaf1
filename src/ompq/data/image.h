#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace ompq::data {

/// 8-bit pixels, row by row, channels side by side: [height, width, channels].
struct Image {
  std::int64_t height = 0;
  std::int64_t width = 0;
  std::int64_t channels = 0;  ///< 1 (gray) or 3 (red, green, blue); others from arrays alone
  std::vector<std::uint8_t> pixels;
};

/// Decodes the bytes of a JPEG, PNG, WebP, BMP or TIFF file, told apart by their first bytes. Alpha
/// is dropped, palettes are looked up, samples of 16 bits become 8, CMYK becomes RGB; of several
/// pages the first is taken. Orientation tags are not followed, as in the usual training pipelines.
/// @param name the file, for messages.
/// @throws DataError naming the file: empty, of another format, cut short, corrupt.
[[nodiscard]] Image decode_image(std::string_view bytes, std::string_view name);

/// The same pixels in 1 or 3 channels: gray is repeated, colour becomes ITU-R 601 luma, the last of
/// four channels (alpha) is dropped. @throws ShapeError for other numbers that differ.
[[nodiscard]] Image with_channels(Image image, std::int64_t channels);

}  // namespace ompq::data
