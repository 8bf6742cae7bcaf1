#pragma once

#include <cstdint>
#include <vector>

namespace ompq::data {

/// 8-bit pixels, row-major, channels interleaved: [height, width, channels].
struct Image {
  std::int64_t height = 0;
  std::int64_t width = 0;
  std::int64_t channels = 0;  ///< 1 (gray) or 3 (red, green, blue); others only from arrays
  std::vector<std::uint8_t> pixels;
};

/// Converts to 1 or 3 channels: gray is repeated, colour becomes ITU-R 601 luma, the last of four
/// channels (alpha) is dropped. @throws ShapeError for any other conversion.
[[nodiscard]] Image with_channels(Image image, std::int64_t channels);

}  // namespace ompq::data
