#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace ompq::data {

/// Height and width in pixels; a single number says both.
struct PixelSize {
  std::int64_t height = 0;
  std::int64_t width = 0;
  PixelSize() = default;
  PixelSize(std::int64_t side) : height(side), width(side) {}  // NOLINT: a square by its side
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
  std::optional<PixelSize> crop = {};       ///< of the centre; without a resize, nothing is resized
  /// Both sides, whatever the proportions were; then `resize` is empty.
  std::optional<PixelSize> resize_to = {};
  std::string interpolation = "bilinear";  ///< "bilinear", "bicubic", "lanczos" or "nearest"
};

/// The first rule that `preprocess` breaks, with the field; nothing where it breaks none.
[[nodiscard]] std::optional<std::string> fault_of(const Preprocess& preprocess);

/// @throws ConfigError naming the field: unknown channels or interpolation, scale or std of 0, a
/// number of means that is not that of the channels, a side outside of 1..16384.
void validate(const Preprocess& preprocess);

}  // namespace ompq::data
