#include "ompq/data/image.h"

#include <cstdlib>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "data/sample_files.h"
#include "ompq/core/error.h"
#include "ompq/data/decode_image.h"

namespace ompq::data {
namespace {

using ::testing::ElementsAre;
using ::testing::ElementsAreArray;
using ::testing::HasSubstr;
using testing::jpeg_bytes;
using testing::png_bytes;
using testing::PngOptions;

std::string error_of(const std::string& bytes) {
  try {
    (void)decode_image(bytes, "photo");
  } catch (const DataError& error) {
    return error.what();
  }
  return "no error";
}

TEST(DecodePng, GivesBackColourAndGrayToTheBit) {
  for (const std::int64_t channels : {1, 3}) {
    const Image image = testing::random_image(7, 5, channels, 1);
    const Image decoded = decode_image(png_bytes(image), "photo");
    EXPECT_EQ(decoded.height, 7);
    EXPECT_EQ(decoded.width, 5);
    EXPECT_EQ(decoded.channels, channels);
    EXPECT_EQ(decoded.pixels, image.pixels);
  }
}

TEST(DecodePng, ReadsInterlacedRows) {
  const Image image = testing::random_image(19, 11, 3, 2);
  const auto bytes = png_bytes(19, 11, image.pixels, {.interlaced = true});
  EXPECT_EQ(decode_image(bytes, "photo").pixels, image.pixels);
}

TEST(DecodePng, DropsAlpha) {
  const auto rgba =
      png_bytes(1, 2, {1, 2, 3, 0, 4, 5, 6, 128}, {.color_type = PNG_COLOR_TYPE_RGB_ALPHA});
  EXPECT_THAT(decode_image(rgba, "photo").pixels, ElementsAre(1, 2, 3, 4, 5, 6));
  const auto gray_alpha =
      png_bytes(1, 2, {9, 0, 200, 255}, {.color_type = PNG_COLOR_TYPE_GRAY_ALPHA});
  EXPECT_THAT(decode_image(gray_alpha, "photo").pixels, ElementsAre(9, 200));
}

TEST(DecodePng, LooksUpPalettesWithAndWithoutAlpha) {
  const std::vector<png_color> palette{{10, 20, 30}, {40, 50, 60}, {70, 80, 90}};
  for (const std::vector<png_byte>& alpha : {std::vector<png_byte>{}, std::vector<png_byte>{0}}) {
    const auto bytes = png_bytes(
        1,
        3,
        {2, 0, 1},
        {.color_type = PNG_COLOR_TYPE_PALETTE, .palette = palette, .palette_alpha = alpha});
    EXPECT_THAT(decode_image(bytes, "photo").pixels,
                ElementsAre(70, 80, 90, 10, 20, 30, 40, 50, 60));
  }
}

TEST(DecodePng, BringsOtherDepthsToEightBits) {
  const auto sixteen = png_bytes(
      1, 2, {0x12, 0x34, 0xff, 0xff}, {.color_type = PNG_COLOR_TYPE_GRAY, .bit_depth = 16});
  EXPECT_THAT(decode_image(sixteen, "photo").pixels, ElementsAre(0x12, 0xff));
  const auto one =
      png_bytes(1, 4, {0b10100000}, {.color_type = PNG_COLOR_TYPE_GRAY, .bit_depth = 1});
  EXPECT_THAT(decode_image(one, "photo").pixels, ElementsAre(255, 0, 255, 0));
}

TEST(DecodeJpeg, KeepsAConstantColour) {
  const std::vector<std::uint8_t> colour{200, 60, 30};
  const Image decoded = decode_image(jpeg_bytes(testing::constant_image(17, 33, colour)), "photo");
  EXPECT_EQ(decoded.height, 17);
  EXPECT_EQ(decoded.width, 33);
  ASSERT_EQ(decoded.channels, 3);
  for (std::size_t i = 0; i < decoded.pixels.size(); ++i) {
    // Quality 95 quantizes the mean of a block to quarters; colour conversion rounds twice.
    ASSERT_NEAR(decoded.pixels[i], colour[i % 3], 3) << "index " << i;
  }
}

TEST(DecodeJpeg, GrayHasOneChannel) {
  const Image decoded = decode_image(jpeg_bytes(testing::constant_image(8, 8, {77})), "photo");
  EXPECT_EQ(decoded.channels, 1);
  EXPECT_NEAR(decoded.pixels[0], 77, 1);
}

TEST(DecodeJpeg, CmykBecomesRgb) {
  // Stored inverted: 255 is no ink. Cyan at half, no magenta or yellow, black at one fifth.
  std::vector<std::uint8_t> raw;
  for (int i = 0; i < 64; ++i) raw.insert(raw.end(), {128, 255, 255, 204});
  const Image decoded = decode_image(jpeg_bytes(8, 8, 4, JCS_CMYK, raw), "photo");
  ASSERT_EQ(decoded.channels, 3);
  EXPECT_NEAR(decoded.pixels[0], 128 * 204 / 255, 3);
  EXPECT_NEAR(decoded.pixels[1], 204, 3);
  EXPECT_NEAR(decoded.pixels[2], 204, 3);
}

TEST(DecodeJpeg, EveryCutIsBroken) {
  const std::string bytes = jpeg_bytes(testing::random_image(40, 40, 3, 3));
  for (std::size_t kept = 2; kept + 2 < bytes.size(); kept += bytes.size() / 37) {
    EXPECT_THAT(error_of(bytes.substr(0, kept)), HasSubstr("[photo] the JPEG image is broken"))
        << kept << " of " << bytes.size() << " bytes";
  }
  EXPECT_EQ(error_of(bytes), "no error");
}

TEST(DecodePng, EveryCutIsBroken) {
  const std::string bytes = png_bytes(testing::random_image(20, 20, 3, 4));
  for (std::size_t kept = 4; kept + 12 < bytes.size(); kept += bytes.size() / 37) {
    EXPECT_THAT(error_of(bytes.substr(0, kept)), HasSubstr("[photo] the PNG image is broken"))
        << kept << " of " << bytes.size() << " bytes";
  }
}

TEST(DecodePng, AFlippedBitIsBroken) {
  std::string bytes = png_bytes(testing::random_image(20, 20, 3, 5));
  bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 4);
  EXPECT_THAT(error_of(bytes), HasSubstr("the PNG image is broken"));
}

TEST(DecodeImage, NamesWhatIsNoImage) {
  EXPECT_THAT(error_of(""), HasSubstr("[photo] the file is empty (0 bytes)"));
  EXPECT_THAT(error_of("GIF89a"), HasSubstr("not a JPEG, PNG, WebP, BMP or TIFF"));
  EXPECT_THAT(error_of("\xff"), HasSubstr("not a JPEG, PNG, WebP, BMP or TIFF"));
}

TEST(DecodeImage, RefusesAPictureThatOnlyClaimsToBeHuge) {
  std::string bytes = png_bytes(testing::constant_image(1, 1, {0}));
  // The width comes after signature, length and "IHDR"; its CRC covers 17 bytes from "IHDR" on.
  bytes.replace(16, 8, std::string("\x00\x7f\xff\xff\x00\x7f\xff\xff", 8));
  const auto crc = crc32_z(0, reinterpret_cast<const Bytef*>(bytes.data() + 12), 17);
  for (int i = 0; i < 4; ++i) {
    bytes[static_cast<std::size_t>(29 + i)] = static_cast<char>(crc >> (24 - 8 * i));
  }
  EXPECT_NE(error_of(bytes), "no error");
}

TEST(WithChannels, GrayIsRepeatedAndColourBecomesLuma) {
  const Image gray{1, 2, 1, {5, 250}};
  EXPECT_THAT(with_channels(gray, 3).pixels, ElementsAre(5, 5, 5, 250, 250, 250));
  const Image colour{1, 4, 3, {255, 0, 0, 0, 255, 0, 0, 0, 255, 90, 90, 90}};
  // 0.299, 0.587 and 0.114 of 255.
  EXPECT_THAT(with_channels(colour, 1).pixels, ElementsAre(76, 150, 29, 90));
  EXPECT_THAT(with_channels(colour, 3).pixels, ElementsAreArray(colour.pixels));
  const Image with_alpha{1, 1, 4, {255, 0, 0, 99}};
  EXPECT_THAT(with_channels(with_alpha, 3).pixels, ElementsAre(255, 0, 0));
  EXPECT_THAT(with_channels(with_alpha, 1).pixels, ElementsAre(76));
  EXPECT_THROW((void)with_channels(colour, 4), ShapeError);
}

}  // namespace
}  // namespace ompq::data
