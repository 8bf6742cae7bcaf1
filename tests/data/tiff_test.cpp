#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <tiffio.h>

#include "data/damaged_images.h"
#include "data/sample_files.h"
#include "ompq/core/atomic_file.h"
#include "ompq/data/decode_image.h"
#include "support/paths.h"

namespace ompq::data {
namespace {

using ::ompq::testing::TemporaryDirectory;
using ::testing::AllOf;
using testing::decode_error;
using ::testing::ElementsAre;
using testing::expect_every_cut_is_refused;
using testing::flip_every_byte;
using ::testing::HasSubstr;

struct TiffParts {
  std::uint32_t width = 0;
  std::uint32_t height = 0;
  std::uint16_t channels = 3;
  std::uint16_t bits = 8;
  std::uint16_t compression = COMPRESSION_NONE;
  std::uint16_t orientation = ORIENTATION_TOPLEFT;
  bool alpha = false;
  std::vector<std::uint8_t> rows = {};
};

std::string tiff_bytes(const TiffParts& parts) {
  const TemporaryDirectory folder;
  const std::string file = (folder / "a.tif").string();
  TIFF* tiff = TIFFOpen(file.c_str(), "w");
  TIFFSetField(tiff, TIFFTAG_IMAGEWIDTH, parts.width);
  TIFFSetField(tiff, TIFFTAG_IMAGELENGTH, parts.height);
  TIFFSetField(tiff, TIFFTAG_SAMPLESPERPIXEL, parts.channels);
  TIFFSetField(tiff, TIFFTAG_BITSPERSAMPLE, parts.bits);
  TIFFSetField(tiff, TIFFTAG_COMPRESSION, parts.compression);
  TIFFSetField(tiff, TIFFTAG_ORIENTATION, parts.orientation);
  TIFFSetField(tiff, TIFFTAG_PLANARCONFIG, PLANARCONFIG_CONTIG);
  TIFFSetField(
      tiff, TIFFTAG_PHOTOMETRIC, parts.channels < 3 ? PHOTOMETRIC_MINISBLACK : PHOTOMETRIC_RGB);
  const std::uint16_t kind = EXTRASAMPLE_UNASSALPHA;
  if (parts.alpha) TIFFSetField(tiff, TIFFTAG_EXTRASAMPLES, 1, &kind);
  std::vector<std::uint8_t> rows = parts.rows;
  const std::size_t stride = rows.size() / parts.height;
  for (std::uint32_t y = 0; y < parts.height; ++y) {
    TIFFWriteScanline(tiff, rows.data() + y * stride, y, 0);
  }
  TIFFClose(tiff);
  return read_file(file);
}

TEST(DecodeTiff, GivesBackPixelsToTheBitInAnyPacking) {
  const Image image = testing::random_image(7, 5, 3, 1);
  for (const int packing : {COMPRESSION_NONE, COMPRESSION_LZW, COMPRESSION_ADOBE_DEFLATE}) {
    const std::string bytes = tiff_bytes({.width = 5,
                                          .height = 7,
                                          .compression = static_cast<std::uint16_t>(packing),
                                          .rows = image.pixels});
    const Image decoded = decode_image(bytes, "photo");
    EXPECT_EQ(decoded.height, 7);
    EXPECT_EQ(decoded.width, 5);
    EXPECT_EQ(decoded.pixels, image.pixels) << "compression " << packing;
  }
}

TEST(DecodeTiff, DropsAlphaAndKeepsGray) {
  EXPECT_THAT(decode_image(tiff_bytes({.width = 2,
                                       .height = 1,
                                       .channels = 4,
                                       .alpha = true,
                                       .rows = {10, 20, 30, 255, 40, 50, 60, 128}}),
                           "photo")
                  .pixels,
              ElementsAre(10, 20, 30, 40, 50, 60));
  const Image gray =
      decode_image(tiff_bytes({.width = 2, .height = 1, .channels = 1, .rows = {7, 200}}), "photo");
  EXPECT_THAT(with_channels(gray, 1).pixels, ElementsAre(7, 200));
}

TEST(DecodeTiff, DoesNotFollowTheOrientation) {
  for (const int orientation : {ORIENTATION_TOPLEFT, ORIENTATION_BOTLEFT, ORIENTATION_BOTRIGHT}) {
    const std::string bytes = tiff_bytes({.width = 1,
                                          .height = 2,
                                          .channels = 1,
                                          .orientation = static_cast<std::uint16_t>(orientation),
                                          .rows = {1, 2}});
    EXPECT_THAT(decode_image(bytes, "photo").pixels, ElementsAre(1, 1, 1, 2, 2, 2)) << orientation;
  }
}

TEST(DecodeTiff, SixteenBitsBecomeEight) {
  const std::vector<std::uint8_t> halves{0x00, 0x00, 0x34, 0x12, 0xff, 0xff};  // lowest byte first
  const Image gray = decode_image(
      tiff_bytes({.width = 3, .height = 1, .channels = 1, .bits = 16, .rows = halves}), "photo");
  EXPECT_EQ(gray.pixels[0], 0);
  EXPECT_NEAR(gray.pixels[3], 0x12, 1);
  EXPECT_EQ(gray.pixels[6], 255);
}

TEST(DecodeTiff, NamesAFileThatItCannotRead) {
  const Image image = testing::random_image(20, 20, 3, 3);
  const std::string bytes = tiff_bytes({.width = 20, .height = 20, .rows = image.pixels});
  EXPECT_THAT(decode_error(bytes.substr(0, 8)),
              AllOf(HasSubstr("[photo]"), HasSubstr("TIFF image cannot be read")));
  expect_every_cut_is_refused(bytes, 4, bytes.size() / 2);
  flip_every_byte(tiff_bytes({.width = 2, .height = 2, .rows = std::vector<std::uint8_t>(12, 1)}));
}

}  // namespace
}  // namespace ompq::data
