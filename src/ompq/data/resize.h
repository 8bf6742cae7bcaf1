#pragma once

#include "ompq/data/image.h"

namespace ompq::data {

/// Bilinear with antialiasing, equal to the bit to what the usual training pipelines do with 8-bit
/// images (Pillow, and torchvision on top of it): a triangle filter whose support grows with the
/// shrink factor, 22-bit fixed-point weights, columns first and then rows, rounded to 8 bits in
/// between.
[[nodiscard]] Image resize(const Image& image, std::int64_t height, std::int64_t width);

/// The smallest image of the same proportions that covers `height` x `width`: one side is met, the
/// other is rounded down. With height = width, the shorter side's length is given.
[[nodiscard]] Image resize_to_cover(const Image& image, std::int64_t height, std::int64_t width);

/// The middle `height` x `width` pixels; half a pixel too many goes to the even side.
/// Both must not exceed the image.
[[nodiscard]] Image crop_centre(const Image& image, std::int64_t height, std::int64_t width);

}  // namespace ompq::data
