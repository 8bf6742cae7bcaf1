#include "ompq/data/image_transform.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "data/sample_files.h"
#include "ompq/core/error.h"
#include "ompq/core/memory_limit.h"
#include "ompq/data/resize.h"

namespace ompq::data {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::vector<float> applied(const Preprocess& preprocess,
                           const std::vector<std::int64_t>& extents,
                           const Image& image) {
  const ImageTransform transform(preprocess, extents, "input");
  std::int64_t count = 1;
  for (const std::int64_t extent : transform.extents()) count *= extent;
  std::vector<float> out(static_cast<std::size_t>(count));
  transform.apply(image, out.data());
  return out;
}

/// Pixels as they are, so that results can be compared with images.
const Preprocess kRawPixels{.scale = 1};

std::vector<float> planes_of(const Image& image) {
  std::vector<float> planes;
  for (std::int64_t c = 0; c < image.channels; ++c) {
    for (std::size_t i = static_cast<std::size_t>(c); i < image.pixels.size();
         i += static_cast<std::size_t>(image.channels)) {
      planes.push_back(image.pixels[i]);
    }
  }
  return planes;
}

TEST(ImageTransform, ScalesThenSubtractsTheMeanThenDivides) {
  const Image image{1, 1, 3, {0, 100, 200}};
  const Preprocess preprocess{.scale = 0.01, .mean = {0.5, 0.25, 1}, .std = {2, 0.5, 4}};
  EXPECT_THAT(applied(preprocess, {3, 1, 1}, image), ElementsAre(-0.25F, 1.5F, 0.25F));
}

TEST(ImageTransform, WritesPlanesInTheOrderOfTheChannels) {
  const Image image{1, 2, 3, {1, 2, 3, 4, 5, 6}};
  EXPECT_THAT(applied(kRawPixels, {3, 1, 2}, image), ElementsAre(1, 4, 2, 5, 3, 6));
  const Preprocess bgr{.channels = "bgr", .scale = 1, .mean = {3, 2, 1}};
  EXPECT_THAT(applied(bgr, {3, 1, 2}, image), ElementsAre(0, 3, 0, 3, 0, 3));
}

TEST(ImageTransform, KeepsChannelsLastWhereTheNetworkDoes) {
  const Image tall{2, 2, 3, {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}};
  EXPECT_THAT(applied(kRawPixels, {2, 2, 3}, tall),
              ElementsAre(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12));
}

TEST(ImageTransform, GivesGrayToANetworkOfOneChannel) {
  const Image image{1, 1, 3, {255, 0, 0}};
  EXPECT_THAT(applied(kRawPixels, {1, 1, 1}, image), ElementsAre(76));
  const Preprocess gray{.channels = "gray", .scale = 1};
  EXPECT_THAT(applied(gray, {3, 1, 1}, image), ElementsAre(76, 76, 76));
}

TEST(ImageTransform, LeavesAnImageOfTheNetworksSizeAsItIs) {
  const Image image = testing::random_image(8, 8, 3, 1);
  const Preprocess preprocess{.scale = 1, .resize = 20, .crop = 16};
  EXPECT_EQ(applied(preprocess, {3, 8, 8}, image), planes_of(image));
}

TEST(ImageTransform, ResizesTheShorterSideThenCropsTheCentre) {
  const Image image = testing::random_image(30, 50, 3, 2);
  const Preprocess preprocess{.scale = 1, .resize = 20, .crop = 16};
  const Image expected = crop_centre(resize(image, 20, 33), 16, 16);
  EXPECT_EQ(applied(preprocess, {3, 16, 16}, image), planes_of(expected));
}

TEST(ImageTransform, ACropWithoutAResizeResizesNothing) {
  const Image almost = testing::random_image(227, 227, 3, 3);
  EXPECT_EQ(applied({.scale = 1, .crop = 224}, {3, 224, 224}, almost),
            planes_of(crop_centre(almost, 224, 224, HalfPixel::Down)));
  const Image wide = testing::random_image(24, 36, 3, 4);
  EXPECT_EQ(applied({.scale = 1, .crop = PixelSize(10, 16)}, {3, 10, 16}, wide),
            planes_of(crop_centre(wide, 10, 16)));
}

TEST(ImageTransform, WithNeitherTheShorterSideBecomesTheNetworks) {
  const Image wide = testing::random_image(24, 36, 3, 4);
  EXPECT_EQ(applied({.scale = 1}, {3, 12, 12}, wide),
            planes_of(crop_centre(resize(wide, 12, 18), 12, 12)));
}

TEST(ImageTransform, AnImageSmallerThanTheCropIsEnlargedUntilItCoversIt) {
  const Image small = testing::random_image(8, 12, 3, 4);
  EXPECT_EQ(applied({.scale = 1, .crop = 10}, {3, 10, 10}, small),
            planes_of(crop_centre(resize(small, 10, 15), 10, 10, HalfPixel::Down)));
}

TEST(ImageTransform, ResizesBothSidesWhereBothAreSaid) {
  const Image wide = testing::random_image(24, 36, 3, 4);
  EXPECT_EQ(applied({.scale = 1, .crop = 12, .resize_to = PixelSize(16, 14)}, {3, 12, 12}, wide),
            planes_of(crop_centre(resize(wide, 16, 14), 12, 12)));
}

TEST(ImageTransform, InterpolatesAsIsSaid) {
  const Image wide = testing::random_image(24, 36, 3, 4);
  for (const char* name : {"bilinear", "bicubic", "lanczos", "nearest"}) {
    const Image expected = resize(wide, 12, 18, interpolation_of(name));
    EXPECT_EQ(applied({.scale = 1, .resize = 12, .interpolation = name}, {3, 12, 18}, wide),
              planes_of(expected))
        << name;
  }
}

TEST(ImageTransform, ACropThatIsNotTheNetworksSizeIsResized) {
  const Image image = testing::random_image(40, 40, 3, 5);
  const Preprocess preprocess{.scale = 1, .resize = 10, .crop = 16};
  EXPECT_EQ(applied(preprocess, {3, 16, 16}, image),
            planes_of(resize(resize(image, 10, 10), 16, 16)));
  const Preprocess other_crop{.scale = 1, .crop = 20};
  EXPECT_EQ(applied(other_crop, {3, 16, 16}, image),
            planes_of(resize(crop_centre(image, 20, 20), 16, 16)));
}

TEST(ImageTransform, AnOpenSizeIsTheCropOrTheImagesOwn) {
  const Preprocess cropped{.crop = 16};
  EXPECT_THAT(ImageTransform(cropped, {3, -1, 0}, "input").extents(), ElementsAre(3, 16, 16));
  EXPECT_THAT(ImageTransform({}, {3, -1, -1}, "input", {28, 30}).extents(), ElementsAre(3, 28, 30));
  const Preprocess stretched{.resize_to = PixelSize(20, 40)};
  EXPECT_THAT(ImageTransform(stretched, {-1, -1, 3}, "input", {28, 30}).extents(),
              ElementsAre(20, 40, 3));
  EXPECT_THAT(ImageTransform({.resize = 14}, {3, -1, -1}, "input", {28, 30}).extents(),
              ElementsAre(3, 14, 15));
  try {
    const ImageTransform transform({}, {3, -1, -1}, "pixels");
    FAIL() << "an open size was taken";
  } catch (const ConfigError& error) {
    EXPECT_THAT(error.what(), HasSubstr("\"pixels\""));
    EXPECT_THAT(error.what(), HasSubstr("--crop"));
    EXPECT_THAT(error.what(), HasSubstr("--input-shape pixels=-1,3,224,224"));
  }
}

TEST(ImageTransform, AFlatInputTakesAsManyGrayPixels) {
  const Image image{2, 2, 1, {1, 2, 3, 4}};
  EXPECT_THAT(applied(kRawPixels, {4}, image), ElementsAre(1, 2, 3, 4));
  EXPECT_THROW((void)applied(kRawPixels, {5}, image), ShapeError);
}

TEST(ImageTransform, RefusesThreeMeansForOneChannel) {
  const Preprocess preprocess{.mean = {.5, .4, .3}};
  EXPECT_THROW(ImageTransform(preprocess, {1, 8, 8}, "input"), ConfigError);
}

TEST(ImageTransform, RefusesSamplesThatASmallFileMakesHuge) {
  const Preprocess crop{.crop = PixelSize(16'384)};
  try {
    (void)ImageTransform(crop, {3, -1, -1}, "input");
    FAIL() << "nothing was thrown";
  } catch (const ConfigError& error) {
    EXPECT_THAT(error.what(),
                HasSubstr("a sample of shape 3x16384x16384 for input \"input\" needs 3.00 GiB"));
  }
  EXPECT_THROW((void)ImageTransform(kRawPixels, {3, 1 << 20, 1 << 20}, "input"), ConfigError);
  EXPECT_NO_THROW((void)ImageTransform(kRawPixels, {3, 4096, 4096}, "input"));
  const MemoryLimit option(std::int64_t{4} << 30, true);
  EXPECT_NO_THROW((void)ImageTransform(crop, {3, -1, -1}, "input"));
}

}  // namespace
}  // namespace ompq::data
