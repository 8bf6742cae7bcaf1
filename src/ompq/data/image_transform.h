#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "ompq/data/image.h"
#include "ompq/data/preprocess.h"

namespace ompq::data {

/// From a decoded image to what the network reads. Const and thread-safe.
///
/// An image of the target size is left as it is. Any other is resized so that its shorter side is
/// `resize` (without it: the crop), and its centre is cropped; what then still has another size
/// than the target, because the crop does not fit into the image or is not what the network
/// takes, is resized to it.
class ImageTransform {
 public:
  /// @param extents one sample of the network's input: [c, h, w] or [h, w, c] with c of 1 or 3,
  /// or any other shape, which takes gray images of as many pixels. h and w may be open (< 1):
  /// then the crop says the size, or, without it, `natural`, the size that all images have.
  /// @throws ConfigError for extents that no image can have, an open size, or bad preprocessing.
  ImageTransform(const Preprocess& preprocess,
                 std::vector<std::int64_t> extents,
                 std::string_view input_name,
                 std::array<std::int64_t, 2> natural = {0, 0});

  /// The sample's shape, with nothing open.
  [[nodiscard]] const std::vector<std::int64_t>& extents() const { return extents_; }
  /// Side lengths of what the network sees, in pixels; {0, 0} where its samples are no images.
  [[nodiscard]] std::array<std::int64_t, 2> sides() const { return {height_, width_}; }
  /// Writes the sample, row-major in extents(). @throws ShapeError for an image that cannot be
  /// brought to a shape that is no image's.
  void apply(Image image, float* out) const { write(fit(std::move(image)), out); }

  /// The two halves of `apply`. First the network's size and channels, still as pixels.
  /// @throws ShapeError for an image that cannot be brought to a shape that is no image's.
  [[nodiscard]] Image fit(Image image) const;
  /// Then the values, row-major in extents(). @param image  as `fit` returns it.
  void write(const Image& image, float* out) const;

 private:
  void require_channel_values() const;
  [[nodiscard]] Image fit_size(Image image) const;

  Preprocess preprocess_;
  std::vector<std::int64_t> extents_;
  bool is_image_ = true;  ///< false: a flat vector of gray pixels
  bool channels_last_ = false;
  std::int64_t channels_ = 1;
  std::int64_t height_ = 0;
  std::int64_t width_ = 0;
  std::vector<std::array<float, 256>> values_;  ///< of each pixel value, per output channel
};

}  // namespace ompq::data
