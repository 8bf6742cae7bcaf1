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

/// Converts a decoded image to the network's input. Const and thread-safe.
///
/// An image of the target size is not changed. Any other is resized as the preprocessing specifies,
/// and its centre is cropped. With a crop but no size, the image is resized only if it is smaller
/// than the crop; with neither, its shorter side is resized to the network's. If the size still
/// differs from the target, because the crop does not fit into the image or is not the network's
/// size, the image is resized to the target.
class ImageTransform {
 public:
  /// @param extents one sample of the network's input: [c, h, w] or [h, w, c] with c of 1, 3 or
  /// `channels`, or any other shape, which takes gray images with as many pixels. h and w may be
  /// open (< 1): their size is then that of the crop, else that of the resize, else `natural`, the
  /// size of all images.
  /// @param channels  of the images if they are arrays of pixels; 0: 1 or 3.
  /// @throws ConfigError for extents that are impossible for an image, an open size, or invalid
  /// preprocessing.
  ImageTransform(const Preprocess& preprocess,
                 std::vector<std::int64_t> extents,
                 std::string_view input_name,
                 std::array<std::int64_t, 2> natural = {0, 0},
                 std::int64_t channels = 0);

  /// The sample's shape, all extents known.
  [[nodiscard]] const std::vector<std::int64_t>& extents() const { return extents_; }
  [[nodiscard]] const std::string& input_name() const { return input_name_; }
  /// All values that `write` can produce.
  [[nodiscard]] std::vector<float> possible_values() const;
  /// Height and width of the network's input, in pixels; {0, 0} if its samples are not images.
  [[nodiscard]] std::array<std::int64_t, 2> sides() const { return {height_, width_}; }
  /// Writes the sample, row-major in extents(). @throws ShapeError if the samples are not images
  /// and the image has another number of pixels.
  void apply(Image image, float* out) const { write(fit(std::move(image)), out); }

  /// The first step of `apply`: converts to the network's size and channels, still as pixels.
  /// @throws ShapeError as above.
  [[nodiscard]] Image fit(Image image) const;
  /// The second step: the values, row-major in extents(). @param image  as returned by `fit`.
  void write(const Image& image, float* out) const;

 private:
  void close_extents(std::array<std::int64_t, 2> natural);
  void require_closed() const;
  void require_memory() const;
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
