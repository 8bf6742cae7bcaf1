#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "ompq/data/image.h"

namespace ompq::data {

/// How pixels between the pixels are made.
enum class Interpolation { Bilinear, Bicubic, Lanczos, Nearest };

/// By the name that preprocessing gives it; bilinear for any other, which `validate` refuses.
[[nodiscard]] Interpolation interpolation_of(std::string_view name);

/// Equal to the bit to what the usual training pipelines do with 8-bit images (Pillow, and
/// torchvision, timm and transformers on top of it): a filter whose support grows with the shrink
/// factor (antialiasing), 22-bit fixed-point weights, columns first and then rows, rounded to 8
/// bits in between. The filters are a triangle, the cubic with a = -1/2 (Keys 1981), and Lanczos'
/// with three lobes; Nearest takes the pixel under the centre. Any number of channels.
[[nodiscard]] Image resize(const Image& image,
                           std::int64_t height,
                           std::int64_t width,
                           Interpolation interpolation = Interpolation::Bilinear);

/// The smallest image of the same proportions that covers `height` x `width`: one side is met, the
/// other is rounded down. With height = width, the shorter side's length is given.
[[nodiscard]] Image resize_to_cover(const Image& image,
                                    std::int64_t height,
                                    std::int64_t width,
                                    Interpolation interpolation = Interpolation::Bilinear);

/// The sides that resize_to_cover gives an image of these. @return {height, width}
[[nodiscard]] std::array<std::int64_t, 2> covering_sides(std::array<std::int64_t, 2> image,
                                                         std::int64_t height,
                                                         std::int64_t width);

/// Where half a pixel too many goes: torchvision rounds it to the even side, a plain slice down.
enum class HalfPixel { ToEven, Down };

/// The middle `height` x `width` pixels. Both must not exceed the image.
[[nodiscard]] Image crop_centre(const Image& image,
                                std::int64_t height,
                                std::int64_t width,
                                HalfPixel half = HalfPixel::ToEven);

}  // namespace ompq::data
