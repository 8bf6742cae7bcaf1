#include "ompq/data/resize.h"

#include <algorithm>
#include <numeric>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "data/sample_files.h"

namespace ompq::data {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;

Image row(std::vector<std::uint8_t> pixels) {
  const auto width = static_cast<std::int64_t>(pixels.size());
  return {1, width, 1, std::move(pixels)};
}

Image transposed(const Image& image) {
  Image result{image.width, image.height, image.channels, {}};
  for (std::int64_t x = 0; x < image.width; ++x) {
    for (std::int64_t y = 0; y < image.height; ++y) {
      const auto at = image.pixels.begin() + (y * image.width + x) * image.channels;
      result.pixels.insert(result.pixels.end(), at, at + image.channels);
    }
  }
  return result;
}

Image mirrored(const Image& image) {
  Image result = image;
  for (std::int64_t y = 0; y < image.height; ++y) {
    for (std::int64_t x = 0; x < image.width; ++x) {
      for (std::int64_t c = 0; c < image.channels; ++c) {
        result.pixels[static_cast<std::size_t>((y * image.width + x) * image.channels + c)] =
            image.pixels[static_cast<std::size_t>(
                (y * image.width + image.width - 1 - x) * image.channels + c)];
      }
    }
  }
  return result;
}

TEST(Resize, EnlargingInterpolatesBetweenNeighbours) {
  // Centres of the four outputs lie at 0.25, 0.75, 1.25 and 1.75; of the inputs at 0.5 and 1.5.
  EXPECT_THAT(resize(row({0, 100}), 1, 4).pixels, ElementsAre(0, 25, 75, 100));
}

TEST(Resize, ShrinkingByTwoWeighsWithATriangleOfHalfWidthTwo) {
  // Output 0 has its centre at 1: weights 3/4, 3/4 and 1/4 at distances 1/2, 1/2 and 3/2.
  EXPECT_THAT(resize(row({0, 0, 210, 210}), 1, 2).pixels, ElementsAre(30, 180));
}

TEST(Resize, ShrinkingByThreeInTheMiddleWeighsFiveOfNine) {
  // Output 1 of 3 has its centre at 4.5, half width 3: weights 1, 2, 3, 2, 1 of 9 on pixels 2..6.
  EXPECT_EQ(resize(row({0, 0, 90, 0, 180, 0, 9, 0, 0}), 1, 3).pixels[1],
            (1 * 90 + 3 * 180 + 1 * 9) / 9);
}

TEST(Resize, RoundsToTheNearestPixel) {
  // 3/7 of 1 is below a half, 3/7 of 2 above.
  EXPECT_EQ(resize(row({1, 0, 0, 0}), 1, 2).pixels[0], 0);
  EXPECT_EQ(resize(row({2, 0, 0, 0}), 1, 2).pixels[0], 1);
}

TEST(Resize, AConstantImageStaysConstant) {
  for (const std::uint8_t value : {0, 1, 127, 254, 255}) {
    const Image image = testing::constant_image(37, 53, {value, value, value});
    for (const std::int64_t side : {1, 5, 36, 37, 38, 100}) {
      EXPECT_THAT(resize(image, side, 2 * side).pixels, Each(value)) << "side " << side;
    }
  }
}

TEST(Resize, LeavesAnImageOfTheSizeAlone) {
  const Image image = testing::random_image(9, 12, 3, 1);
  EXPECT_EQ(resize(image, 9, 12).pixels, image.pixels);
}

TEST(Resize, TreatsRowsAndColumnsAlike) {
  const Image image = testing::random_image(1, 40, 3, 2);
  for (const std::int64_t side : {3, 17, 60}) {
    EXPECT_EQ(transposed(resize(transposed(image), side, 1)).pixels, resize(image, 1, side).pixels);
  }
}

TEST(Resize, MirrorsWithTheImage) {
  const Image image = testing::random_image(31, 40, 3, 3);
  EXPECT_EQ(mirrored(resize(mirrored(image), 12, 16)).pixels, resize(image, 12, 16).pixels);
}

TEST(Resize, IsColumnsThenRows) {
  const Image image = testing::random_image(30, 40, 3, 4);
  EXPECT_EQ(resize(image, 11, 13).pixels, resize(resize(image, 30, 13), 11, 13).pixels);
}

TEST(Resize, EveryPixelCountsAlikeFarFromTheEdges) {
  // Shrinking by a whole number, the triangles add up to one over every inner pixel: an impulse
  // of 255 spreads over the outputs to 255 / 4 in all, each output rounded by a half at most.
  for (std::int64_t x = 8; x < 24; ++x) {
    Image image = testing::constant_image(1, 32, {0});
    image.pixels[static_cast<std::size_t>(x)] = 255;
    const Image small = resize(image, 1, 8);
    const int sum = std::accumulate(small.pixels.begin(), small.pixels.end(), 0);
    EXPECT_NEAR(sum, 255.0 / 4, 1.0) << "impulse at " << x;
  }
}

TEST(ResizeToCover, MeetsTheShorterSideAndRoundsTheLongerDown) {
  const Image wide = resize_to_cover(testing::constant_image(375, 500, {9}), 256, 256);
  EXPECT_EQ(wide.height, 256);
  EXPECT_EQ(wide.width, 341);  // 256 * 500 / 375 = 341.3
  const Image tall = resize_to_cover(testing::constant_image(500, 375, {9}), 256, 256);
  EXPECT_EQ(tall.height, 341);
  EXPECT_EQ(tall.width, 256);
}

TEST(ResizeToCover, CoversARectangle) {
  for (std::int64_t height = 3; height < 60; height += 7) {
    for (std::int64_t width = 3; width < 60; width += 5) {
      const Image image = resize_to_cover(testing::constant_image(height, width, {9}), 20, 30);
      EXPECT_GE(image.height, 20);
      EXPECT_GE(image.width, 30);
      EXPECT_TRUE(image.height == 20 || image.width == 30) << height << " x " << width;
    }
  }
}

TEST(CropCentre, TakesTheMiddleAndHalvesToTheEvenSide) {
  EXPECT_THAT(crop_centre(row({0, 1, 2, 3, 4, 5}), 1, 2).pixels, ElementsAre(2, 3));
  EXPECT_THAT(crop_centre(row({0, 1, 2, 3, 4}), 1, 2).pixels, ElementsAre(2, 3));        // 1.5 -> 2
  EXPECT_THAT(crop_centre(row({0, 1, 2, 3, 4, 5, 6}), 1, 2).pixels, ElementsAre(2, 3));  // 2.5
  const Image image = testing::random_image(6, 7, 3, 5);
  EXPECT_EQ(transposed(crop_centre(transposed(image), 3, 4)).pixels,
            crop_centre(image, 4, 3).pixels);
}

}  // namespace
}  // namespace ompq::data
