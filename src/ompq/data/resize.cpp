#include "ompq/data/resize.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include <fmt/format.h>

#include "ompq/core/error.h"
#include "ompq/core/memory_limit.h"

namespace ompq::data {
namespace {

/// Fraction bits of the weights: 32 bits hold an 8-bit pixel, a sum of weights slightly above 1,
/// and these.
constexpr int kFractionBits = 32 - 8 - 2;

/// The input pixels, and their weights, of each output pixel of one dimension.
struct Taps {
  std::vector<std::int64_t> first;
  std::vector<std::int64_t> count;
  std::vector<std::int32_t> weights;  ///< `weights_per_pixel` for each output pixel
  std::int64_t weights_per_pixel = 0;
};

/// A filter as a function of the distance in output pixels, and its support.
struct Filter {
  double support;
  double (*weight)(double distance);
};

double triangle(double x) { return std::max(1 - std::abs(x), 0.0); }

double cubic(double x) {
  constexpr double kA = -0.5;
  x = std::abs(x);
  if (x < 1) return ((kA + 2) * x - (kA + 3)) * x * x + 1;
  if (x < 2) return (((x - 5) * x + 8) * x - 4) * kA;
  return 0;
}

double sinc(double x) {
  constexpr double kPi = 3.14159265358979323846;
  return x == 0 ? 1 : std::sin(x * kPi) / (x * kPi);
}

double lanczos(double x) { return std::abs(x) < 3 ? sinc(x) * sinc(x / 3) : 0; }

Filter filter_for(Interpolation interpolation) {
  if (interpolation == Interpolation::Bicubic) return {2, cubic};
  if (interpolation == Interpolation::Lanczos) return {3, lanczos};
  return {1, triangle};
}

std::int32_t to_fraction(double weight) {
  return static_cast<std::int32_t>(weight * (1 << kFractionBits) + (weight < 0 ? -0.5 : 0.5));
}

/// The filter around each output pixel's centre, in input pixels.
Taps filter_taps(std::int64_t in, std::int64_t out, const Filter& filter) {
  const double step = static_cast<double>(in) / static_cast<double>(out);
  const double stretch = std::max(step, 1.0);  // when enlarging, interpolate between neighbours
  const double reach = filter.support * stretch;
  Taps taps;
  taps.weights_per_pixel = static_cast<std::int64_t>(std::ceil(reach)) * 2 + 1;
  taps.weights.resize(static_cast<std::size_t>(out * taps.weights_per_pixel));
  std::vector<double> share(static_cast<std::size_t>(taps.weights_per_pixel));
  for (std::int64_t i = 0; i < out; ++i) {
    const double centre = (static_cast<double>(i) + 0.5) * step;
    const auto begin = std::max<std::int64_t>(static_cast<std::int64_t>(centre - reach + 0.5), 0);
    const auto end = std::min(static_cast<std::int64_t>(centre + reach + 0.5), in);
    double sum = 0;
    for (std::int64_t x = begin; x < end; ++x) {
      const double distance = (static_cast<double>(x) - centre + 0.5) * (1.0 / stretch);
      share[static_cast<std::size_t>(x - begin)] = filter.weight(distance);
      sum += share[static_cast<std::size_t>(x - begin)];
    }
    for (std::int64_t k = 0; k < end - begin; ++k) {
      taps.weights[static_cast<std::size_t>(i * taps.weights_per_pixel + k)] =
          to_fraction(share[static_cast<std::size_t>(k)] / sum);
    }
    taps.first.push_back(begin);
    taps.count.push_back(end - begin);
  }
  return taps;
}

std::uint8_t pixel_of_sum(std::int32_t sum) {
  return static_cast<std::uint8_t>(std::clamp(sum >> kFractionBits, 0, 255));
}
constexpr std::int32_t kHalf = 1 << (kFractionBits - 1);

/// The number of channels is a compile-time constant, so that their sums stay in registers.
template <int kChannels>
void shrink_row(const std::uint8_t* in, const Taps& taps, std::uint8_t* out, std::int64_t width) {
  for (std::int64_t x = 0; x < width; ++x) {
    const auto at = static_cast<std::size_t>(x);
    const std::int32_t* weights = taps.weights.data() + x * taps.weights_per_pixel;
    const std::uint8_t* pixel = in + taps.first[at] * kChannels;
    std::int32_t sum[kChannels];
    for (int c = 0; c < kChannels; ++c) sum[c] = kHalf;
    for (std::int64_t k = 0; k < taps.count[at]; ++k) {
      for (int c = 0; c < kChannels; ++c) sum[c] += pixel[k * kChannels + c] * weights[k];
    }
    for (int c = 0; c < kChannels; ++c) out[x * kChannels + c] = pixel_of_sum(sum[c]);
  }
}

/// The same for any number of channels.
void shrink_row_of(std::int64_t channels,
                   const std::uint8_t* in,
                   const Taps& taps,
                   std::uint8_t* out,
                   std::int64_t width) {
  for (std::int64_t x = 0; x < width; ++x) {
    const auto at = static_cast<std::size_t>(x);
    const std::int32_t* weights = taps.weights.data() + x * taps.weights_per_pixel;
    const std::uint8_t* pixel = in + taps.first[at] * channels;
    for (std::int64_t c = 0; c < channels; ++c) {
      std::int32_t sum = kHalf;
      for (std::int64_t k = 0; k < taps.count[at]; ++k) sum += pixel[k * channels + c] * weights[k];
      out[x * channels + c] = pixel_of_sum(sum);
    }
  }
}

Image resize_columns(const Image& image, std::int64_t width, const Filter& filter) {
  const Taps taps = filter_taps(image.width, width, filter);
  Image result{image.height, width, image.channels, {}};
  result.pixels.resize(static_cast<std::size_t>(image.height * width * image.channels));
  for (std::int64_t y = 0; y < image.height; ++y) {
    const std::uint8_t* in = image.pixels.data() + y * image.width * image.channels;
    std::uint8_t* out = result.pixels.data() + y * width * image.channels;
    if (image.channels == 1) {
      shrink_row<1>(in, taps, out, width);
    } else if (image.channels == 3) {
      shrink_row<3>(in, taps, out, width);
    } else {
      shrink_row_of(image.channels, in, taps, out, width);
    }
  }
  return result;
}

Image resize_rows(const Image& image, std::int64_t height, const Filter& filter) {
  const Taps taps = filter_taps(image.height, height, filter);
  const std::int64_t stride = image.width * image.channels;
  Image result{height, image.width, image.channels, {}};
  result.pixels.resize(static_cast<std::size_t>(height * stride));
  std::vector<std::int32_t> sums(static_cast<std::size_t>(stride));
  for (std::int64_t y = 0; y < height; ++y) {
    std::fill(sums.begin(), sums.end(), kHalf);
    for (std::int64_t k = 0; k < taps.count[static_cast<std::size_t>(y)]; ++k) {
      const std::int32_t weight =
          taps.weights[static_cast<std::size_t>(y * taps.weights_per_pixel + k)];
      const std::uint8_t* row =
          image.pixels.data() + (taps.first[static_cast<std::size_t>(y)] + k) * stride;
#pragma omp simd
      for (std::int64_t i = 0; i < stride; ++i) {
        sums[static_cast<std::size_t>(i)] += row[i] * weight;
      }
    }
    std::transform(sums.begin(), sums.end(), result.pixels.begin() + y * stride, pixel_of_sum);
  }
  return result;
}

/// The input pixel under the centre of each output pixel. Positions are accumulated as in Pillow,
/// since the rounding decides if a centre falls between two pixels.
std::vector<std::int64_t> nearest_pixels(std::int64_t in, std::int64_t out) {
  const double step = static_cast<double>(in) / static_cast<double>(out);
  std::vector<std::int64_t> pixels;
  double centre = step * 0.5;
  for (std::int64_t i = 0; i < out; ++i, centre += step) {
    pixels.push_back(std::min(static_cast<std::int64_t>(centre), in - 1));
  }
  return pixels;
}

Image take_nearest(const Image& image, std::int64_t height, std::int64_t width) {
  Image result{height, width, image.channels, {}};
  const auto bytes = static_cast<std::size_t>(image.channels);
  result.pixels.resize(static_cast<std::size_t>(height * width) * bytes);
  std::uint8_t* out = result.pixels.data();
  const std::vector<std::int64_t> columns = nearest_pixels(image.width, width);
  for (const std::int64_t row : nearest_pixels(image.height, height)) {
    for (const std::int64_t column : columns) {
      const std::int64_t at = (row * image.width + column) * image.channels;
      std::memcpy(out, image.pixels.data() + at, bytes);
      out += bytes;
    }
  }
  return result;
}

/// A long and narrow image becomes huge if its shorter side is enlarged.
void require_memory(const Image& image, std::int64_t height, std::int64_t width) {
  const std::int64_t between = std::max(image.height, height);  // after its columns are resized
  const std::int64_t needed = saturated_product(saturated_product(between, width), image.channels);
  const auto own = static_cast<std::int64_t>(image.pixels.size());
  if (needed <= allowed_bytes(own)) return;
  throw DataError("preprocessing",
                  fmt::format("an image of {} x {} pixels resized to {} x {} {}",
                              image.width,
                              image.height,
                              width,
                              height,
                              over_memory_limit(needed, own, "crop it")));
}

}  // namespace

Interpolation interpolation_of(std::string_view name) {
  if (name == "bicubic") return Interpolation::Bicubic;
  if (name == "lanczos") return Interpolation::Lanczos;
  return name == "nearest" ? Interpolation::Nearest : Interpolation::Bilinear;
}

Image resize(const Image& image,
             std::int64_t height,
             std::int64_t width,
             Interpolation interpolation) {
  if (image.height == height && image.width == width) return image;
  require_memory(image, height, width);
  if (interpolation == Interpolation::Nearest) return take_nearest(image, height, width);
  const Filter filter = filter_for(interpolation);
  if (image.width == width) return resize_rows(image, height, filter);
  const Image narrow = resize_columns(image, width, filter);
  return image.height == height ? narrow : resize_rows(narrow, height, filter);
}

std::array<std::int64_t, 2> covering_sides(std::array<std::int64_t, 2> image,
                                           std::int64_t height,
                                           std::int64_t width) {
  const auto scaled = [](std::int64_t length, std::int64_t to, std::int64_t from) {
    return static_cast<std::int64_t>(static_cast<double>(to * length) / static_cast<double>(from));
  };
  const bool width_is_short = image[1] * height <= image[0] * width;
  if (width_is_short) return {scaled(image[0], width, image[1]), width};
  return {height, scaled(image[1], height, image[0])};
}

Image resize_to_cover(const Image& image,
                      std::int64_t height,
                      std::int64_t width,
                      Interpolation interpolation) {
  const auto sides = covering_sides({image.height, image.width}, height, width);
  return resize(image, sides[0], sides[1], interpolation);
}

Image crop_centre(const Image& image, std::int64_t height, std::int64_t width, HalfPixel half) {
  const auto begin = [&](std::int64_t rest) {
    const double middle = static_cast<double>(rest) / 2;
    return static_cast<std::int64_t>(half == HalfPixel::Down ? middle : std::nearbyint(middle));
  };
  const std::int64_t top = begin(image.height - height);
  const std::int64_t left = begin(image.width - width);
  Image result{height, width, image.channels, {}};
  const auto row_bytes = static_cast<std::size_t>(width * image.channels);
  result.pixels.resize(static_cast<std::size_t>(height) * row_bytes);
  for (std::int64_t y = 0; y < height; ++y) {
    const std::int64_t from = ((top + y) * image.width + left) * image.channels;
    std::memcpy(result.pixels.data() + static_cast<std::size_t>(y) * row_bytes,
                image.pixels.data() + from,
                row_bytes);
  }
  return result;
}

}  // namespace ompq::data
