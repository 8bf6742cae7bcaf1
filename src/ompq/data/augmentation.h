#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "ompq/core/random.h"
#include "ompq/data/image.h"
#include "ompq/data/image_transform.h"

namespace ompq::data {

/// A preset for augmenting training images, a row of `augmentations()`. It is applied to 8-bit
/// pixels, before the preprocessing's scale, mean and std.
struct Augmentation {
  std::string_view name;
  std::string_view text;  ///< for help
  double flip = 0;        ///< probability of the mirror image
  /// Small images (sides up to kSmallSide) are shifted by up to this share of their sides, rounded
  /// up to whole pixels; uncovered pixels are black. Source: He et al. 2016, section 4.2 (4 of 32).
  double shift = 0;
  /// Larger images: the smallest share of the area that a random crop keeps; 1 uses the
  /// preprocessing's centre crop instead. Source: Szegedy et al. 2015, section 6.
  double min_area = 1;
  double jitter = 0;  ///< brightness, contrast, saturation are scaled by factors in 1 +- jitter
  double erase = 0;   ///< probability of a gray rectangle. Source: Zhong et al. 2020
};

/// Images up to this side are shifted, larger ones cropped at random.
constexpr std::int64_t kSmallSide = 64;

/// All presets, from none to the strongest.
[[nodiscard]] std::span<const Augmentation> augmentations();
/// @throws ConfigError listing the presets.
[[nodiscard]] const Augmentation& find_augmentation(std::string_view name);

/// A part of an image, in pixels.
struct Window {
  std::int64_t top = 0;
  std::int64_t left = 0;
  std::int64_t height = 0;
  std::int64_t width = 0;
};

/// The random parameters drawn for one image.
struct AugmentationDraw {
  bool flip = false;
  std::int64_t down = 0;   ///< shift in pixels, negative: up
  std::int64_t right = 0;  ///< shift in pixels, negative: left
  Window crop = {};        ///< in pixels of the kept image; height 0: none
  double brightness = 1;
  double contrast = 1;
  double saturation = 1;
  Window erased = {};  ///< in pixels of the result; height 0: none
};

/// True if the preset takes a random crop of each image for this network before resizing.
[[nodiscard]] bool crops_at_random(const Augmentation& preset, const ImageTransform& transform);

/// The form in which an image is kept in memory between epochs. Without random crops it is resized
/// and cropped, still as pixels; with them it is shrunk to the resolution at which the smallest
/// crop still has the network's size.
/// @throws ShapeError as ImageTransform::fit.
[[nodiscard]] Image kept_form(Image decoded,
                              const Augmentation& preset,
                              const ImageTransform& transform);

/// The random numbers of sample `index` in `epoch`. They depend only on these and the seed, so
/// neither the number of threads nor an interruption changes them.
[[nodiscard]] Random augmentation_random(std::uint64_t seed,
                                         std::int64_t epoch,
                                         std::int64_t index);

/// Draws parameters for `kept`, an image in its kept form.
[[nodiscard]] AugmentationDraw draw_augmentation(const Augmentation& preset,
                                                 const ImageTransform& transform,
                                                 const Image& kept,
                                                 Random& random);

/// Applies the drawn parameters. @return an image for ImageTransform::write.
[[nodiscard]] Image augment(Image kept,
                            const AugmentationDraw& draw,
                            const ImageTransform& transform);

}  // namespace ompq::data
