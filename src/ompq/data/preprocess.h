#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace ompq::data {

/// Height and width in pixels; a single number sets both.
struct PixelSize {
  std::int64_t height = 0;
  std::int64_t width = 0;
  PixelSize() = default;
  PixelSize(std::int64_t side) : height(side), width(side) {}  // NOLINT: implicit, a square
  PixelSize(std::int64_t h, std::int64_t w) : height(h), width(w) {}
  friend bool operator==(const PixelSize&, const PixelSize&) = default;
};

/// value = (pixel * scale - mean) / std after resizing and the centre crop. mean and std are in
/// units after the scale.
struct Preprocess {
  std::string channels = "rgb";  ///< "rgb", "bgr" or "gray"
  double scale = 1.0 / 255.0;
  std::vector<double> mean = {};  ///< in the order of `channels`, or one for all; empty: 0
  std::vector<double> std = {};   ///< in the order of `channels`, or one for all; empty: 1
  std::optional<std::int64_t> resize = {};  ///< length of the shorter side, in pixels
  std::optional<PixelSize> crop =
      {};  ///< of the centre; without `resize` the image keeps its scale
  /// Resize to exactly this size, ignoring the aspect ratio; `resize` must then be empty.
  std::optional<PixelSize> resize_to = {};
  std::string interpolation = "bilinear";  ///< "bilinear", "bicubic", "lanczos" or "nearest"
};

/// The first rule that `preprocess` breaks, with the field; nullopt if it is valid.
[[nodiscard]] std::optional<std::string> fault_of(const Preprocess& preprocess);

/// @throws ConfigError naming the field: unknown channels or interpolation, scale or std of 0, a
/// number of means that differs from the number of channels, a side outside 1..16384.
void validate(const Preprocess& preprocess);

}  // namespace ompq::data
