#include "ompq/data/augmentation.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "ompq/core/row_table.h"
#include "ompq/data/resize.h"

namespace ompq::data {
namespace {

// The presets; README and help are generated from the texts.
constexpr std::array kPresets{
    Augmentation{.name = "none", .text = "every image as validation sees it"},
    Augmentation{.name = "shift",
                 .text = "shifts or mild crops, no mirror images: for digits, letters and signs",
                 .shift = 0.125,
                 .min_area = 0.5},
    Augmentation{.name = "light",
                 .text = "mirror images, shifts or mild crops",
                 .flip = 0.5,
                 .shift = 0.125,
                 .min_area = 0.5},
    Augmentation{.name = "standard",
                 .text = "mirror images, shifts or crops, some colour jitter",
                 .flip = 0.5,
                 .shift = 0.125,
                 .min_area = 0.25,
                 .jitter = 0.2},
    Augmentation{.name = "strong",
                 .text = "mirror images, shifts or small crops, colour jitter, erased rectangles",
                 .flip = 0.5,
                 .shift = 0.125,
                 .min_area = 0.08,
                 .jitter = 0.4,
                 .erase = 0.25},
};

/// A uniform random integer in low..high, both included.
std::int64_t whole_between(Random& random, std::int64_t low, std::int64_t high) {
  return low + static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(high - low + 1)));
}

double between(Random& random, double low, double high) {
  return low + (high - low) * random.uniform();
}

/// Height and width of a rectangle with the given share of an image's area and a random aspect
/// ratio; height 0 if ten trials give none that fits.
Window draw_window(
    std::int64_t height, std::int64_t width, double min, double max, double shape, Random& random) {
  constexpr int kTrials = 10;
  for (int trial = 0; trial < kTrials; ++trial) {
    const double area = between(random, min, max) * static_cast<double>(height * width);
    const double ratio = std::exp(between(random, -std::log(shape), std::log(shape)));
    Window window;
    window.width = std::max<std::int64_t>(1, std::llround(std::sqrt(area * ratio)));
    window.height = std::max<std::int64_t>(1, std::llround(std::sqrt(area / ratio)));
    if (window.width > width || window.height > height) continue;
    window.top = whole_between(random, 0, height - window.height);
    window.left = whole_between(random, 0, width - window.width);
    return window;
  }
  return {};
}

/// The largest centred window with the network's proportions.
Window centre_window(const Image& image, const std::array<std::int64_t, 2>& sides) {
  Window window;
  window.height = std::clamp<std::int64_t>(image.width * sides[0] / sides[1], 1, image.height);
  window.width = std::clamp<std::int64_t>(image.height * sides[1] / sides[0], 1, image.width);
  window.top = (image.height - window.height) / 2;
  window.left = (image.width - window.width) / 2;
  return window;
}

Image cut(const Image& image, const Window& window) {
  Image result{window.height, window.width, image.channels, {}};
  const auto row = static_cast<std::size_t>(window.width * image.channels);
  result.pixels.resize(row * static_cast<std::size_t>(window.height));
  for (std::int64_t y = 0; y < window.height; ++y) {
    const std::int64_t from = ((window.top + y) * image.width + window.left) * image.channels;
    std::copy_n(image.pixels.begin() + from,
                row,
                result.pixels.begin() + y * static_cast<std::ptrdiff_t>(row));
  }
  return result;
}

void flip(Image& image) {
  const auto channels = static_cast<std::size_t>(image.channels);
  const auto width = static_cast<std::size_t>(image.width);
  for (std::int64_t y = 0; y < image.height; ++y) {
    std::uint8_t* row = image.pixels.data() + static_cast<std::size_t>(y) * width * channels;
    if (channels == 1) {
      std::reverse(row, row + width);
      continue;
    }
    for (std::size_t x = 0; x < width / 2; ++x) {
      std::swap_ranges(
          row + x * channels, row + (x + 1) * channels, row + (width - 1 - x) * channels);
    }
  }
}

/// Shifts the image; the uncovered pixels are black.
Image shifted(const Image& image, std::int64_t down, std::int64_t right) {
  Image result{image.height, image.width, image.channels, {}};
  result.pixels.resize(image.pixels.size());
  const std::int64_t columns = image.width - std::abs(right);
  if (columns <= 0) return result;
  const std::int64_t row = image.width * image.channels;
  for (std::int64_t y = std::max<std::int64_t>(0, down);
       y < image.height + std::min<std::int64_t>(0, down);
       ++y) {
    const std::int64_t from = (y - down) * row + std::max<std::int64_t>(0, -right) * image.channels;
    const std::int64_t to = y * row + std::max<std::int64_t>(0, right) * image.channels;
    std::copy_n(image.pixels.begin() + from, columns * image.channels, result.pixels.begin() + to);
  }
  return result;
}

std::uint8_t to_pixel(float value) {
  return static_cast<std::uint8_t>(std::clamp(value, 0.0F, 255.0F) + 0.5F);
}

/// ITU-R 601, as everywhere in this room.
float luma_of(const std::uint8_t* pixel, std::int64_t channels) {
  if (channels == 1) return pixel[0];
  return 0.299F * pixel[0] + 0.587F * pixel[1] + 0.114F * pixel[2];
}

/// Saturation mixes a pixel with its luma, contrast mixes it with the image's mean luma, brightness
/// scales it.
void jitter(Image& image, const AugmentationDraw& draw) {
  const auto channels = static_cast<std::size_t>(image.channels);
  const std::size_t count = image.pixels.size() / channels;
  double sum = 0;
  for (std::size_t i = 0; i < count; ++i) {
    sum += luma_of(&image.pixels[i * channels], image.channels);
  }
  const auto mean = static_cast<float>(sum / static_cast<double>(count));
  const auto saturation = static_cast<float>(draw.saturation);
  const auto factor = static_cast<float>(draw.brightness * draw.contrast);
  const auto offset = static_cast<float>(draw.brightness * (1 - draw.contrast)) * mean;
  for (std::size_t i = 0; i < count; ++i) {
    std::uint8_t* pixel = &image.pixels[i * channels];
    const float gray = (1 - saturation) * luma_of(pixel, image.channels);
    for (std::size_t c = 0; c < channels; ++c) {
      pixel[c] = to_pixel(factor * (saturation * pixel[c] + gray) + offset);
    }
  }
}

void erase(Image& image, const Window& window) {
  constexpr std::uint8_t kGray = 128;
  const auto columns = static_cast<std::size_t>(window.width * image.channels);
  for (std::int64_t y = window.top; y < window.top + window.height; ++y) {
    std::fill_n(
        image.pixels.begin() + (y * image.width + window.left) * image.channels, columns, kGray);
  }
}

void draw_position(const Augmentation& preset,
                   const ImageTransform& transform,
                   const Image& kept,
                   Random& random,
                   AugmentationDraw& draw) {
  if (crops_at_random(preset, transform)) {
    constexpr double kShape = 4.0 / 3.0;
    draw.crop = draw_window(kept.height, kept.width, preset.min_area, 1, kShape, random);
    if (draw.crop.height == 0) draw.crop = centre_window(kept, transform.sides());
  } else if (preset.shift > 0 && std::max(kept.height, kept.width) <= kSmallSide) {
    const auto limit = [&](std::int64_t side) {
      return static_cast<std::int64_t>(std::ceil(preset.shift * static_cast<double>(side)));
    };
    draw.down = whole_between(random, -limit(kept.height), limit(kept.height));
    draw.right = whole_between(random, -limit(kept.width), limit(kept.width));
  }
}

}  // namespace

std::span<const Augmentation> augmentations() { return kPresets; }

const Augmentation& find_augmentation(std::string_view name) {
  return row_named(augmentations(), name, "augmentation", "augmentation");
}

bool crops_at_random(const Augmentation& preset, const ImageTransform& transform) {
  const auto sides = transform.sides();
  return preset.min_area < 1 && std::max(sides[0], sides[1]) > kSmallSide;
}

Image kept_form(Image decoded, const Augmentation& preset, const ImageTransform& transform) {
  if (!crops_at_random(preset, transform)) return transform.fit(std::move(decoded));
  const auto sides = transform.sides();
  const double longer = static_cast<double>(std::max(sides[0], sides[1]));
  const auto limit = static_cast<std::int64_t>(std::ceil(longer / std::sqrt(preset.min_area)));
  if (std::min(decoded.height, decoded.width) <= limit) return decoded;
  return resize_to_cover(decoded, limit, limit);
}

Random augmentation_random(std::uint64_t seed, std::int64_t epoch, std::int64_t index) {
  return Random(seed).split(fmt::format("augmentation {} {}", epoch, index));
}

AugmentationDraw draw_augmentation(const Augmentation& preset,
                                   const ImageTransform& transform,
                                   const Image& kept,
                                   Random& random) {
  AugmentationDraw draw;
  draw_position(preset, transform, kept, random, draw);
  draw.flip = random.uniform() < preset.flip;
  if (preset.jitter > 0) {
    draw.brightness = between(random, 1 - preset.jitter, 1 + preset.jitter);
    draw.contrast = between(random, 1 - preset.jitter, 1 + preset.jitter);
    if (kept.channels == 3) draw.saturation = between(random, 1 - preset.jitter, 1 + preset.jitter);
  }
  if (random.uniform() < preset.erase) {
    const auto sides = transform.sides();
    const bool is_image = sides[0] > 0;
    draw.erased = draw_window(is_image ? sides[0] : kept.height,
                              is_image ? sides[1] : kept.width,
                              0.02,
                              0.2,
                              3.0,
                              random);
  }
  return draw;
}

Image augment(Image kept, const AugmentationDraw& draw, const ImageTransform& transform) {
  if (draw.crop.height > 0) {
    const auto sides = transform.sides();
    kept = transform.fit(resize(cut(kept, draw.crop), sides[0], sides[1]));
  }
  if (draw.down != 0 || draw.right != 0) kept = shifted(kept, draw.down, draw.right);
  if (draw.flip) flip(kept);
  if (draw.brightness != 1 || draw.contrast != 1 || draw.saturation != 1) jitter(kept, draw);
  if (draw.erased.height > 0) erase(kept, draw.erased);
  return kept;
}

}  // namespace ompq::data
