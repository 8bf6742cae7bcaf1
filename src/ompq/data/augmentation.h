#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "ompq/core/random.h"
#include "ompq/data/image.h"
#include "ompq/data/image_transform.h"

namespace ompq::data {

/// One preset: how training images are varied. All of it happens on 8-bit pixels, before the
/// preprocessing's scale, mean and std. A row of `augmentations()`.
struct Augmentation {
  std::string_view name;
  std::string_view text;  ///< for help
  double flip = 0;        ///< probability of the mirror image
  /// Small images (sides up to kSmallSide) are moved by up to this share of their sides, rounded
  /// up to whole pixels; what comes in is black. Source: He et al. 2016, section 4.2 (4 of 32).
  double shift = 0;
  /// Larger images: the least share of the area that a random crop keeps; 1 keeps the
  /// preprocessing's own centre crop. Source: Szegedy et al. 2015, section 6.
  double least_area = 1;
  double jitter = 0;  ///< brightness, contrast, saturation are scaled by factors in 1 +- jitter
  double erase = 0;   ///< probability of a gray rectangle. Source: Zhong et al. 2020
};

/// Images up to this side are shifted, larger ones cropped at random.
constexpr std::int64_t kSmallSide = 64;

/// All presets, from none to the strongest.
[[nodiscard]] std::span<const Augmentation> augmentations();
/// @throws ConfigError naming the presets.
[[nodiscard]] const Augmentation& find_augmentation(std::string_view name);

/// A part of an image, in pixels.
struct Window {
  std::int64_t top = 0;
  std::int64_t left = 0;
  std::int64_t height = 0;
  std::int64_t width = 0;
};

/// What was drawn for one image.
struct AugmentationDraw {
  bool flip = false;
  std::int64_t down = 0;   ///< shift in pixels, negative: up
  std::int64_t right = 0;  ///< shift in pixels, negative: left
  Window crop = {};        ///< in pixels of the image as it is kept; height 0: none
  double brightness = 1;
  double contrast = 1;
  double saturation = 1;
  Window erased = {};  ///< in pixels of the result; height 0: none
};

/// True where the preset crops images for this network at random before they are resized.
[[nodiscard]] bool crops_at_random(const Augmentation& preset, const ImageTransform& transform);

/// The form of an image that is worth keeping in memory from epoch to epoch: ready but for the
/// values where nothing is cropped at random; otherwise no larger than what the smallest crop can
/// show at the network's size.
/// @throws ShapeError as ImageTransform::fit.
[[nodiscard]] Image kept_form(Image decoded,
                              const Augmentation& preset,
                              const ImageTransform& transform);

/// The random numbers of sample `index` in `epoch`: they depend on nothing else, so that neither
/// the number of threads nor an interrupted run changes what is drawn.
[[nodiscard]] Random augmentation_random(std::uint64_t seed,
                                         std::int64_t epoch,
                                         std::int64_t index);

/// Draws for `kept`, an image in its kept form.
[[nodiscard]] AugmentationDraw draw_augmentation(const Augmentation& preset,
                                                 const ImageTransform& transform,
                                                 const Image& kept,
                                                 Random& random);

/// Carries out what was drawn. @return an image for ImageTransform::write.
[[nodiscard]] Image augment(Image kept,
                            const AugmentationDraw& draw,
                            const ImageTransform& transform);

}  // namespace ompq::data
