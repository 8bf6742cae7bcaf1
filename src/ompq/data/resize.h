#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "ompq/data/image.h"

namespace ompq::data {

/// The interpolation filter.
enum class Interpolation { Bilinear, Bicubic, Lanczos, Nearest };

/// The filter by its name in the preprocessing; bilinear for an unknown name, which `validate`
/// refuses.
[[nodiscard]] Interpolation interpolation_of(std::string_view name);

/// Resizes, bit-exact with the usual training pipelines for 8-bit images (Pillow, and torchvision,
/// timm and transformers on top of it): a filter whose support grows with the shrink factor
/// (antialiasing), 22-bit fixed-point weights, columns first and then rows, rounded to 8 bits in
/// between. The filters are a triangle, the cubic with a = -1/2 (Keys 1981), and Lanczos' with
/// three lobes; Nearest takes the pixel under the centre. Any number of channels.
[[nodiscard]] Image resize(const Image& image,
                           std::int64_t height,
                           std::int64_t width,
                           Interpolation interpolation = Interpolation::Bilinear);

/// Resizes to the smallest image of the same aspect ratio that covers `height` x `width`: one side
/// is exact, the other is rounded down. With height = width, this sets the shorter side.
[[nodiscard]] Image resize_to_cover(const Image& image,
                                    std::int64_t height,
                                    std::int64_t width,
                                    Interpolation interpolation = Interpolation::Bilinear);

/// The result size of resize_to_cover. @return {height, width}
[[nodiscard]] std::array<std::int64_t, 2> covering_sides(std::array<std::int64_t, 2> image,
                                                         std::int64_t height,
                                                         std::int64_t width);

/// How a crop offset with half a pixel is rounded: to even as in torchvision, or down as in a
/// slice.
enum class HalfPixel { ToEven, Down };

/// The central `height` x `width` pixels. Neither may exceed the image.
[[nodiscard]] Image crop_centre(const Image& image,
                                std::int64_t height,
                                std::int64_t width,
                                HalfPixel half = HalfPixel::ToEven);

}  // namespace ompq::data
