#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ompq/data/image.h"
#include "ompq/data/preprocess.h"
#include "ompq/data/resize.h"

namespace ompq::data {

/// From a decoded image to what the network reads. Const and thread-safe.
///
/// An image of the target size is left as it is. Any other is resized as the preprocessing says,
/// and its centre is cropped. Where it says a crop and no size, nothing is resized unless the image
/// is smaller than the crop; where it says neither, the shorter side is resized to the network's.
/// What then still has another size than the target, because the crop does not fit into the image
/// or is not what the network takes, is resized to it.
class ImageTransform {
 public:
  /// @param extents one sample of the network's input: [c, h, w] or [h, w, c] with c of 1, 3 or
  /// `channels`, or any other shape, which takes gray images of as many pixels. h and w may be open
  /// (< 1): then the crop says the size, or the size that images are resized to, or, without
  /// either, `natural`, the size that all images have.
  /// @param channels  of the images, where they are arrays of pixels; 0: 1 or 3.
  /// @throws ConfigError for extents that no image can have, an open size, or bad preprocessing.
  ImageTransform(const Preprocess& preprocess,
                 std::vector<std::int64_t> extents,
                 std::string_view input_name,
                 std::array<std::int64_t, 2> natural = {0, 0},
                 std::int64_t channels = 0);

  /// The sample's shape, with nothing open.
  [[nodiscard]] const std::vector<std::int64_t>& extents() const { return extents_; }
  [[nodiscard]] const std::string& input_name() const { return input_name_; }
  /// Every value that `write` can give.
  [[nodiscard]] std::vector<float> possible_values() const;
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
  void close_extents(std::array<std::int64_t, 2> natural);
  void require_closed() const;
  void require_channel_values() const;
  [[nodiscard]] Image fit_size(Image image) const;
  [[nodiscard]] Image resized(const Image& image) const;

  Preprocess preprocess_;
  std::string input_name_;
  Interpolation interpolation_ = Interpolation::Bilinear;
  std::vector<std::int64_t> extents_;
  bool is_image_ = true;  ///< false: a flat vector of gray pixels
  bool channels_last_ = false;
  std::int64_t channels_ = 1;
  std::int64_t height_ = 0;
  std::int64_t width_ = 0;
  std::vector<std::array<float, 256>> values_;  ///< of each pixel value, per output channel
};

}  // namespace ompq::data
