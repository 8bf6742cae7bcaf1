#include "ompq/data/augmentation.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "data/sample_files.h"
#include "ompq/core/error.h"

namespace ompq::data {
namespace {

using testing::constant_image;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::random_image;

const Preprocess kRaw{.scale = 1};

ImageTransform transform_of(std::int64_t channels, std::int64_t height, std::int64_t width) {
  return {kRaw, {channels, height, width}, "input"};
}

/// 0, 1, 2, ... in row order.
Image counting_image(std::int64_t height, std::int64_t width) {
  Image image{height, width, 1, {}};
  image.pixels.resize(static_cast<std::size_t>(height * width));
  std::iota(image.pixels.begin(), image.pixels.end(), std::uint8_t{0});
  return image;
}

TEST(FindAugmentation, KnowsEveryRowAndNamesThemAllForAnUnknownOne) {
  for (const Augmentation& preset : augmentations()) {
    EXPECT_EQ(find_augmentation(preset.name).name, preset.name);
    EXPECT_FALSE(preset.text.empty()) << preset.name;
  }
  try {
    static_cast<void>(find_augmentation("standart"));
    FAIL() << "nothing was thrown";
  } catch (const ConfigError& error) {
    EXPECT_THAT(error.what(), HasSubstr("did you mean 'standard'?"));
    for (const Augmentation& preset : augmentations()) {
      EXPECT_THAT(error.what(), HasSubstr(std::string(preset.name)));
    }
  }
}

TEST(FindAugmentation, OfNamesWithoutMirrorImagesDrawsNone) {
  for (const char* name : {"none", "shift"}) {
    EXPECT_EQ(find_augmentation(name).flip, 0) << name;
  }
}

TEST(Augment, OfNothingDrawnIsTheImage) {
  const Image image = random_image(5, 7, 3, 1);
  EXPECT_EQ(augment(image, {}, transform_of(3, 5, 7)).pixels, image.pixels);
}

TEST(Augment, FlipsLeftAndRight) {
  const Image gray = counting_image(2, 3);
  const auto transform = transform_of(1, 2, 3);
  EXPECT_THAT(augment(gray, {.flip = true}, transform).pixels, ElementsAre(2, 1, 0, 5, 4, 3));
  const Image colour{1, 2, 3, {1, 2, 3, 4, 5, 6}};
  EXPECT_THAT(augment(colour, {.flip = true}, transform_of(3, 1, 2)).pixels,
              ElementsAre(4, 5, 6, 1, 2, 3));
}

TEST(Augment, MovesBlackInFromEverySide) {
  const Image image{2, 3, 1, {1, 2, 3, 4, 5, 6}};
  const auto transform = transform_of(1, 2, 3);
  EXPECT_THAT(augment(image, {.down = 1}, transform).pixels, ElementsAre(0, 0, 0, 1, 2, 3));
  EXPECT_THAT(augment(image, {.down = -1}, transform).pixels, ElementsAre(4, 5, 6, 0, 0, 0));
  EXPECT_THAT(augment(image, {.right = 2}, transform).pixels, ElementsAre(0, 0, 1, 0, 0, 4));
  EXPECT_THAT(augment(image, {.right = -1}, transform).pixels, ElementsAre(2, 3, 0, 5, 6, 0));
  EXPECT_THAT(augment(image, {.down = 2, .right = 3}, transform).pixels,
              ElementsAre(0, 0, 0, 0, 0, 0));
}

TEST(Augment, MovesWholeColours) {
  const Image image{1, 3, 3, {1, 2, 3, 4, 5, 6, 7, 8, 9}};
  EXPECT_THAT(augment(image, {.right = 1}, transform_of(3, 1, 3)).pixels,
              ElementsAre(0, 0, 0, 1, 2, 3, 4, 5, 6));
}

TEST(Augment, CropsAWindow) {
  const Image image = counting_image(4, 5);
  const AugmentationDraw draw{.crop = {.top = 1, .left = 2, .height = 2, .width = 3}};
  EXPECT_THAT(augment(image, draw, transform_of(1, 2, 3)).pixels, ElementsAre(7, 8, 9, 12, 13, 14));
}

TEST(Augment, ResizesACropToWhatTheNetworkTakes) {
  const AugmentationDraw draw{.crop = {.top = 3, .left = 1, .height = 10, .width = 7}};
  const Image result = augment(constant_image(40, 30, {9, 8, 7}), draw, transform_of(3, 16, 24));
  EXPECT_EQ(result.pixels, constant_image(16, 24, {9, 8, 7}).pixels);
}

TEST(Augment, ScalesBrightnessAndStopsAtWhite) {
  const Image image{1, 3, 1, {10, 100, 200}};
  EXPECT_THAT(augment(image, {.brightness = 1.5}, transform_of(1, 1, 3)).pixels,
              ElementsAre(15, 150, 255));
}

TEST(Augment, ContrastKeepsTheMean) {
  const Image image{1, 2, 1, {100, 200}};  // mean 150
  EXPECT_THAT(augment(image, {.contrast = 0.5}, transform_of(1, 1, 2)).pixels,
              ElementsAre(125, 175));
  EXPECT_THAT(augment(image, {.contrast = 0}, transform_of(1, 1, 2)).pixels, ElementsAre(150, 150));
}

TEST(Augment, WithoutSaturationIsTheLuma) {
  const Image image{1, 1, 3, {255, 0, 0}};  // 0.299 * 255 = 76.2
  EXPECT_THAT(augment(image, {.saturation = 0}, transform_of(3, 1, 1)).pixels,
              ElementsAre(76, 76, 76));
}

TEST(Augment, ErasesAWindow) {
  const AugmentationDraw draw{.erased = {.top = 0, .left = 1, .height = 1, .width = 2}};
  EXPECT_THAT(augment(counting_image(2, 3), draw, transform_of(1, 2, 3)).pixels,
              ElementsAre(0, 128, 128, 3, 4, 5));
}

TEST(DrawAugmentation, DependsOnSeedEpochAndIndexAlone) {
  const Augmentation& strong = find_augmentation("strong");
  const auto transform = transform_of(3, 224, 224);
  const Image kept = constant_image(300, 400, {1, 2, 3});
  const auto brightness = [&](std::uint64_t seed, std::int64_t epoch, std::int64_t index) {
    Random random = augmentation_random(seed, epoch, index);
    return draw_augmentation(strong, transform, kept, random).brightness;
  };
  EXPECT_EQ(brightness(1, 2, 3), brightness(1, 2, 3));
  const std::set<double> others{brightness(1, 2, 3),
                                brightness(2, 2, 3),
                                brightness(1, 3, 3),
                                brightness(1, 2, 4),
                                brightness(1, 3, 2)};
  EXPECT_EQ(others.size(), 5U);
}

TEST(DrawAugmentation, OfNoneLeavesEverythingAlone) {
  Random random(1);
  const auto draw = draw_augmentation(find_augmentation("none"),
                                      transform_of(3, 224, 224),
                                      constant_image(224, 224, {1, 2, 3}),
                                      random);
  const Image image = random_image(224, 224, 3, 2);
  EXPECT_EQ(augment(image, draw, transform_of(3, 224, 224)).pixels, image.pixels);
}

TEST(DrawAugmentation, ShiftsSmallImagesByAnEighthAtMostAndReachesIt) {
  const auto transform = transform_of(1, 28, 28);
  const Image kept = constant_image(28, 28, {1});
  std::set<std::int64_t> shifts;
  for (std::int64_t index = 0; index < 500; ++index) {
    Random random = augmentation_random(1, 0, index);
    const auto draw = draw_augmentation(find_augmentation("light"), transform, kept, random);
    EXPECT_EQ(draw.crop.height, 0);
    EXPECT_LE(std::abs(draw.right), 4);
    shifts.insert(draw.down);
  }
  // 28 / 8 = 3.5, rounded up; a value is missed by 500 draws once in 10^25.
  EXPECT_THAT(shifts, ElementsAre(-4, -3, -2, -1, 0, 1, 2, 3, 4));
}

TEST(DrawAugmentation, CropsStayWithinTheImageAndTheirShareOfIt) {
  for (const Augmentation& preset : augmentations()) {
    if (preset.min_area == 1) continue;
    const auto transform = transform_of(3, 96, 96);
    const Image kept = constant_image(120, 150, {1, 2, 3});
    for (std::int64_t index = 0; index < 300; ++index) {
      Random random = augmentation_random(1, 0, index);
      const Window crop = draw_augmentation(preset, transform, kept, random).crop;
      ASSERT_GE(crop.top, 0);
      ASSERT_GE(crop.left, 0);
      ASSERT_LE(crop.top + crop.height, 120);
      ASSERT_LE(crop.left + crop.width, 150);
      // Each side is rounded by half a pixel at most.
      const double min = preset.min_area * 120 * 150;
      EXPECT_GE((static_cast<double>(crop.height) + 0.5) * (static_cast<double>(crop.width) + 0.5),
                min)
          << preset.name << ", index " << index;
    }
  }
}

TEST(DrawAugmentation, OfALongStripFallsBackOnItsCentre) {
  const auto transform = transform_of(3, 96, 96);
  const Image kept = constant_image(1000, 2, {1, 2, 3});
  Random random(1);
  const auto draw = draw_augmentation(find_augmentation("light"), transform, kept, random);
  EXPECT_EQ(draw.crop.height, 2);
  EXPECT_EQ(draw.crop.width, 2);
  EXPECT_EQ(draw.crop.top, 499);
}

TEST(DrawAugmentation, FlipsAsOftenAsThePresetSays) {
  const auto transform = transform_of(1, 28, 28);
  const Image kept = constant_image(28, 28, {1});
  constexpr int kDraws = 4000;
  int flips = 0;
  for (std::int64_t index = 0; index < kDraws; ++index) {
    Random random = augmentation_random(1, 0, index);
    flips += draw_augmentation(find_augmentation("light"), transform, kept, random).flip ? 1 : 0;
  }
  // Six standard deviations of a fair coin: sqrt(4000 / 4) = 31.6.
  EXPECT_NEAR(flips, kDraws / 2, 6 * 32);
}

TEST(DrawAugmentation, NeverSaturatesGrayImages) {
  Random random(1);
  const auto draw = draw_augmentation(
      find_augmentation("strong"), transform_of(1, 28, 28), constant_image(28, 28, {1}), random);
  EXPECT_EQ(draw.saturation, 1);
}

TEST(KeptForm, IsReadyWhereNothingIsCroppedAtRandom) {
  const Image kept =
      kept_form(constant_image(50, 80, {9}), find_augmentation("strong"), transform_of(3, 32, 32));
  EXPECT_EQ(kept.pixels, constant_image(32, 32, {9, 9, 9}).pixels);
}

TEST(KeptForm, IsNoLargerThanTheSmallestCropCanShow) {
  const Augmentation& standard = find_augmentation("standard");  // a crop keeps half of a side
  const auto transform = transform_of(3, 100, 100);
  const Image large = kept_form(constant_image(600, 900, {1, 2, 3}), standard, transform);
  EXPECT_EQ(large.height, 200);
  EXPECT_EQ(large.width, 300);
  const Image small = kept_form(constant_image(150, 120, {1, 2, 3}), standard, transform);
  EXPECT_EQ(small.height, 150);
  EXPECT_EQ(small.width, 120);
}

TEST(Augment, FeedsAFlatNetworkToo) {
  const ImageTransform transform(kRaw, {6}, "input");
  const Image kept = kept_form(counting_image(2, 3), find_augmentation("light"), transform);
  const Image flipped = augment(kept, {.flip = true}, transform);
  std::vector<float> values(6);
  transform.write(flipped, values.data());
  EXPECT_THAT(values, ElementsAre(2, 1, 0, 5, 4, 3));
}

}  // namespace
}  // namespace ompq::data
