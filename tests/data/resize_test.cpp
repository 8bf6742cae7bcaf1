#include "ompq/data/resize.h"

#include <algorithm>
#include <numeric>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "data/sample_files.h"
#include "ompq/core/error.h"
#include "support/peak_memory.h"

namespace ompq::data {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

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

/// Pixel i of 8 x 9 is 37 i modulo 256.
Image stripes() {
  Image image{8, 9, 1, {}};
  for (int i = 0; i < 72; ++i) image.pixels.push_back(static_cast<std::uint8_t>(37 * i));
  return image;
}

TEST(Resize, EqualsPillowToTheBit) {
  struct Case {
    Interpolation interpolation;
    std::vector<std::uint8_t> smaller;  // 3 x 4
    std::vector<std::uint8_t> larger;   // the first two rows of 10 x 11
    int larger_sum;                     // of all its rows
  };
  // Pillow 13.0: Image.resize((4, 3), filter) and resize((11, 10), filter).
  const std::vector<Case> cases{{Interpolation::Bilinear,
                                 {103, 128, 113, 102, 121, 124, 130, 121, 134, 121, 142, 148},
                                 {0,  27, 57,  87,  118, 148, 178, 209, 122, 13, 40,
                                  54, 81, 111, 141, 172, 202, 86,  84,  79,  67, 94},
                                 13421},
                                {Interpolation::Bicubic,
                                 {99, 129, 114, 99, 124, 123, 129, 123, 134, 120, 144, 148},
                                 {0,  22, 54,  84,  115, 145, 184, 236, 128, 0,  38,
                                  49, 75, 106, 143, 190, 216, 71,  71,  73,  61, 91},
                                 13471},
                                {Interpolation::Lanczos,
                                 {97, 127, 117, 99, 131, 123, 123, 127, 131, 123, 145, 146},
                                 {0,  21, 57, 83,  108, 140, 181, 254, 131, 0,  43,
                                  47, 67, 94, 135, 201, 222, 77,  72,  80,  56, 82},
                                 13486},
                                {Interpolation::Nearest,
                                 {114, 188, 6, 80, 89, 163, 237, 55, 243, 61, 135, 209},
                                 {0,  37,  74,  74,  111, 148, 185, 222, 222, 3,  40,
                                  77, 114, 151, 151, 188, 225, 6,   43,  43,  80, 117},
                                 13925}};
  for (const Case& expected : cases) {
    const auto which = static_cast<int>(expected.interpolation);
    EXPECT_EQ(resize(stripes(), 3, 4, expected.interpolation).pixels, expected.smaller) << which;
    const std::vector<std::uint8_t> larger =
        resize(stripes(), 10, 11, expected.interpolation).pixels;
    EXPECT_EQ(std::vector<std::uint8_t>(larger.begin(), larger.begin() + 22), expected.larger)
        << which;
    EXPECT_EQ(std::accumulate(larger.begin(), larger.end(), 0), expected.larger_sum) << which;
  }
}

TEST(Resize, TreatsEveryChannelAlike) {
  const Image gray = stripes();
  for (const auto interpolation : {Interpolation::Bilinear,
                                   Interpolation::Bicubic,
                                   Interpolation::Lanczos,
                                   Interpolation::Nearest}) {
    const Image expected = resize(gray, 5, 13, interpolation);
    for (const std::int64_t channels : {3, 4, 5}) {
      Image image{gray.height, gray.width, channels, {}};
      for (const std::uint8_t pixel : gray.pixels) {
        for (std::int64_t c = 0; c < channels; ++c) {
          image.pixels.push_back(static_cast<std::uint8_t>(c == channels - 1 ? pixel : 0));
        }
      }
      const Image resized = resize(image, 5, 13, interpolation);
      for (std::size_t i = 0; i < expected.pixels.size(); ++i) {
        const std::size_t last = (i + 1) * static_cast<std::size_t>(channels) - 1;
        ASSERT_EQ(resized.pixels[last], expected.pixels[i]) << channels << " channels, pixel " << i;
      }
    }
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

TEST(CropCentre, HalvesDownWhereThatIsAsked) {
  EXPECT_THAT(crop_centre(row({0, 1, 2, 3, 4}), 1, 2, HalfPixel::Down).pixels, ElementsAre(1, 2));
  EXPECT_THAT(crop_centre(row({0, 1, 2, 3, 4, 5}), 1, 2, HalfPixel::Down).pixels,
              ElementsAre(2, 3));
}

TEST(CropCentre, TakesTheMiddleAndHalvesToTheEvenSide) {
  EXPECT_THAT(crop_centre(row({0, 1, 2, 3, 4, 5}), 1, 2).pixels, ElementsAre(2, 3));
  EXPECT_THAT(crop_centre(row({0, 1, 2, 3, 4}), 1, 2).pixels, ElementsAre(2, 3));        // 1.5 -> 2
  EXPECT_THAT(crop_centre(row({0, 1, 2, 3, 4, 5, 6}), 1, 2).pixels, ElementsAre(2, 3));  // 2.5
  const Image image = testing::random_image(6, 7, 3, 5);
  EXPECT_EQ(transposed(crop_centre(transposed(image), 3, 4)).pixels,
            crop_centre(image, 4, 3).pixels);
}

TEST(Resize, RefusesToMakeALineHuge) {
  const Image line{1, 60'000, 3, std::vector<std::uint8_t>(180'000)};
  std::string message;
  const std::int64_t peak = ::ompq::testing::peak_growth([&] {
    try {
      (void)resize_to_cover(line, 224, 224);
    } catch (const DataError& error) {
      message = error.what();
    }
  });
  EXPECT_THAT(message,
              HasSubstr("an image of 60000 x 1 pixels resized to 13440000 x 224 needs 8.41 GiB"));
  EXPECT_LT(peak, std::int64_t{50} << 20);
  EXPECT_THROW((void)resize(line, 5000, 60'000), DataError);
  EXPECT_NO_THROW((void)resize(line, 1, 20));
}

}  // namespace
}  // namespace ompq::data
