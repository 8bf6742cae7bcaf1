#include "ompq/data/decode_image.h"

#include <utility>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <webp/encode.h>

#include "data/damaged_images.h"
#include "data/sample_files.h"
#include "ompq/core/error.h"
#include "ompq/core/memory_limit.h"
#include "ompq/data/byte_order.h"
#include "ompq/data/codecs.h"
#include "support/peak_memory.h"

namespace ompq::data {
namespace {

using ::testing::AllOf;
using testing::decode_error;
using ::testing::ElementsAre;
using testing::expect_every_cut_is_refused;
using testing::flip_every_byte;
using ::testing::HasSubstr;
using testing::jpeg_bytes;
using testing::png_bytes;
using testing::PngOptions;

// --- any format
// -----------------------------------------------------------------------------------

TEST(DecodeImage, NamesWhatIsNoImage) {
  EXPECT_THAT(decode_error(""), HasSubstr("[photo] the file is empty (0 bytes)"));
  EXPECT_THAT(decode_error("GIF89a"), HasSubstr("not a JPEG, PNG, WebP, BMP or TIFF"));
  EXPECT_THAT(decode_error("\xff"), HasSubstr("not a JPEG, PNG, WebP, BMP or TIFF"));
}

TEST(RequireSaneSize, LimitsTheSides) {
  EXPECT_NO_THROW(require_sane_size(1, 1, 3, 100, "photo"));
  EXPECT_NO_THROW(require_sane_size(1'000'000, 50, 3, 100, "photo"));
  for (const auto& [width, height] : {std::pair<std::int64_t, std::int64_t>{1'000'001, 1},
                                      {1, 1'000'001},
                                      {0, 5},
                                      {5, 0},
                                      {1LL << 62, 1LL << 62}}) {
    EXPECT_THROW(require_sane_size(width, height, 3, 100, "photo"), DataError)
        << width << " " << height;
  }
}

TEST(RequireSaneSize, LimitsTheMemoryByTheFile) {
  constexpr std::size_t kMiB = 1 << 20;
  EXPECT_NO_THROW(require_sane_size(9'000, 9'000, 3, 100, "photo"));
  EXPECT_THROW(require_sane_size(10'000, 10'000, 3, 100, "photo"), DataError);
  EXPECT_NO_THROW(require_sane_size(10'000, 10'000, 3, 10 * kMiB, "photo")) << "32 bytes a byte";
  EXPECT_THROW(require_sane_size(9'000, 9'000, 7, 100, "photo"), DataError);
  const MemoryLimit option(std::int64_t{1} << 30, true);
  EXPECT_NO_THROW(require_sane_size(10'000, 10'000, 3, 100, "photo"));
  try {
    require_sane_size(60'000, 60'000, 3, 1024, "photo");
    FAIL() << "nothing was thrown";
  } catch (const DataError& error) {
    EXPECT_STREQ(error.what(),
                 "[photo] an image of 60000 x 60000 pixels needs 10.1 GiB, more than the limit of "
                 "1.00 GiB for an input of 1.00 KiB; give --memory 11GiB");
  }
}

void append_big_endian(std::string& bytes, std::uint32_t value) {
  for (const int shift : {24, 16, 8, 0}) bytes.push_back(static_cast<char>(value >> shift));
}

/// PNG's chunk with its length and checksum.
std::string png_chunk(const std::string& name, const std::string& content) {
  std::string chunk;
  const std::string body = name + content;
  append_big_endian(chunk, static_cast<std::uint32_t>(content.size()));
  chunk += body;
  const auto crc = crc32_z(0, reinterpret_cast<const Bytef*>(body.data()), body.size());
  append_big_endian(chunk, static_cast<std::uint32_t>(crc));
  return chunk;
}

std::string zlib_of_zeros(std::size_t count) {
  const std::string zeros(count, '\0');
  uLongf size = compressBound(count);
  std::string packed(size, '\0');
  compress2(reinterpret_cast<Bytef*>(packed.data()),
            &size,
            reinterpret_cast<const Bytef*>(zeros.data()),
            count,
            9);
  packed.resize(size);
  return packed;
}

/// Headers that declare 60000 x 60000 pixels, in files of a few bytes.
std::vector<std::pair<std::string, std::string>> bombs() {
  const std::string side("\x00\x00\xea\x60", 4);
  const std::string head = side + side + std::string("\x08\x02\x00\x00\x00", 5);
  const std::string png = std::string("\x89PNG\r\n\x1a\n", 8) + png_chunk("IHDR", head) +
                          png_chunk("IDAT", zlib_of_zeros(1000)) + png_chunk("IEND", "");
  std::string jpeg = jpeg_bytes(testing::constant_image(8, 8, {1, 2, 3}));
  const std::size_t frame = jpeg.find("\xff\xc0");
  jpeg.replace(frame + 5, 4, "\xea\x60\xea\x60");
  std::string bmp = "BM" + std::string(12, '\0');
  append_little_endian<std::uint32_t>(bmp, 40);
  append_little_endian<std::uint32_t>(bmp, 60000);
  append_little_endian<std::uint32_t>(bmp, 60000);
  append_little_endian<std::uint16_t>(bmp, 1);
  append_little_endian<std::uint16_t>(bmp, 24);
  bmp += std::string(60, '\0');
  std::string webp =
      "RIFF" + std::string("\x1a\0\0\0", 4) + "WEBPVP8L" + std::string("\x0d\0\0\0", 4);
  webp += std::string("\x2f\xff\xff\xff\x0f\0\0\0\0\0\0\0\0\0", 14);
  return {{"png", png}, {"jpeg", jpeg}, {"bmp", bmp}, {"webp", webp}};
}

TEST(DecodeImage, RefusesBombsFromTheirHeaders) {
  for (const auto& [name, bytes] : bombs()) {
    std::string message;
    const std::int64_t peak = ::ompq::testing::peak_growth([&] { message = decode_error(bytes); });
    EXPECT_THAT(message, HasSubstr("more than the limit of 256 MiB")) << name;
    EXPECT_LT(peak, std::int64_t{20} << 20) << name;
  }
}

TEST(DecodeImage, DoesNotUnpackTexts) {
  const std::string text = std::string("a\0\0", 3) + zlib_of_zeros(7 << 20);
  std::string png = png_bytes(testing::constant_image(1, 1, {7}));
  const std::size_t data = png.find("IDAT") - 4;
  std::string texts;
  for (int i = 0; i < 100; ++i) texts += png_chunk("zTXt", text) + png_chunk("iCCP", text);
  png.insert(data, texts);
  std::string message;
  const std::int64_t peak = ::ompq::testing::peak_growth([&] { message = decode_error(png); });
  EXPECT_EQ(message, "no error");
  EXPECT_LT(peak, std::int64_t{50} << 20);
}

TEST(DecodeImage, RefusesAPictureThatOnlyClaimsToBeHuge) {
  std::string bytes = png_bytes(testing::constant_image(1, 1, {0}));
  // The width comes after signature, length and "IHDR"; its CRC covers 17 bytes from "IHDR" on.
  bytes.replace(16, 8, std::string("\x00\x7f\xff\xff\x00\x7f\xff\xff", 8));
  const auto crc = crc32_z(0, reinterpret_cast<const Bytef*>(bytes.data() + 12), 17);
  for (int i = 0; i < 4; ++i) {
    bytes[static_cast<std::size_t>(29 + i)] = static_cast<char>(crc >> (24 - 8 * i));
  }
  EXPECT_NE(decode_error(bytes), "no error");
}

// --- PNG
// ------------------------------------------------------------------------------------------

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

TEST(DecodePng, EveryCutIsBroken) {
  const std::string bytes = png_bytes(testing::random_image(20, 20, 3, 4));
  for (std::size_t kept = 4; kept + 12 < bytes.size(); kept += bytes.size() / 37) {
    EXPECT_THAT(decode_error(bytes.substr(0, kept)), HasSubstr("[photo] the PNG image is broken"))
        << kept << " of " << bytes.size() << " bytes";
  }
}

TEST(DecodePng, AFlippedBitIsBroken) {
  std::string bytes = png_bytes(testing::random_image(20, 20, 3, 5));
  bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 4);
  EXPECT_THAT(decode_error(bytes), HasSubstr("the PNG image is broken"));
}

// --- JPEG
// -----------------------------------------------------------------------------------------

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
    EXPECT_THAT(decode_error(bytes.substr(0, kept)), HasSubstr("[photo] the JPEG image is broken"))
        << kept << " of " << bytes.size() << " bytes";
  }
  EXPECT_EQ(decode_error(bytes), "no error");
}

// --- WebP ----------------------------------------------------------------------------------------

std::string lossless_webp(const Image& image) {
  std::uint8_t* out = nullptr;
  const auto width = static_cast<int>(image.width);
  const std::size_t size = WebPEncodeLosslessRGB(
      image.pixels.data(), width, static_cast<int>(image.height), 3 * width, &out);
  std::string bytes(reinterpret_cast<char*>(out), size);
  WebPFree(out);
  return bytes;
}

TEST(DecodeWebp, GivesBackPixelsToTheBit) {
  const Image image = testing::random_image(7, 5, 3, 1);
  const Image decoded = decode_image(lossless_webp(image), "photo");
  EXPECT_EQ(decoded.height, 7);
  EXPECT_EQ(decoded.width, 5);
  EXPECT_EQ(decoded.channels, 3);
  EXPECT_EQ(decoded.pixels, image.pixels);
}

TEST(DecodeWebp, DropsAlpha) {
  const std::vector<std::uint8_t> rgba{10, 20, 30, 255, 40, 50, 60, 128};
  std::uint8_t* out = nullptr;
  const std::size_t size = WebPEncodeLosslessRGBA(rgba.data(), 2, 1, 8, &out);
  const std::string bytes(reinterpret_cast<char*>(out), size);
  WebPFree(out);
  EXPECT_THAT(decode_image(bytes, "photo").pixels, ElementsAre(10, 20, 30, 40, 50, 60));
}

TEST(DecodeWebp, ReadsLossyFiles) {
  const Image image = testing::constant_image(16, 16, {128, 128, 128});
  std::uint8_t* out = nullptr;
  const std::size_t size = WebPEncodeRGB(image.pixels.data(), 16, 16, 48, 90, &out);
  const Image decoded = decode_image({reinterpret_cast<char*>(out), size}, "photo");
  WebPFree(out);
  for (const std::uint8_t pixel : decoded.pixels) ASSERT_NEAR(pixel, 128, 2);
}

TEST(DecodeWebp, EveryCutIsRefused) {
  const std::string bytes = lossless_webp(testing::random_image(20, 20, 3, 2));
  expect_every_cut_is_refused(bytes, 1, bytes.size() - 1);
  flip_every_byte(lossless_webp(testing::random_image(4, 4, 3, 2)));
}

// --- BMP -----------------------------------------------------------------------------------------

struct BmpParts {
  int width = 0;
  int height = 0;  ///< negative: rows from the top
  int depth = 24;
  std::uint32_t compression = 0;
  std::string after_header = {};  ///< masks or palette
  std::string rows = {};
};

std::string bmp_bytes(const BmpParts& parts) {
  std::string bytes = "BM";
  const auto begin = static_cast<std::uint32_t>(54 + parts.after_header.size());
  append_little_endian(bytes, static_cast<std::uint32_t>(begin + parts.rows.size()));
  append_little_endian<std::uint32_t>(bytes, 0);
  append_little_endian(bytes, begin);
  append_little_endian<std::uint32_t>(bytes, 40);
  append_little_endian(bytes, static_cast<std::uint32_t>(parts.width));
  append_little_endian(bytes, static_cast<std::uint32_t>(parts.height));
  append_little_endian<std::uint16_t>(bytes, 1);
  append_little_endian(bytes, static_cast<std::uint16_t>(parts.depth));
  append_little_endian(bytes, parts.compression);
  bytes.append(20, '\0');
  return bytes + parts.after_header + parts.rows;
}

TEST(DecodeBmp, ReadsRowsFromTheBottomWithBlueFirst) {
  const std::string rows("\x03\x02\x01\x06\x05\x04\0\0\x09\x08\x07\x0c\x0b\x0a\0\0", 16);
  EXPECT_THAT(decode_image(bmp_bytes({.width = 2, .height = 2, .rows = rows}), "photo").pixels,
              ElementsAre(7, 8, 9, 10, 11, 12, 1, 2, 3, 4, 5, 6));
  EXPECT_THAT(decode_image(bmp_bytes({.width = 2, .height = -2, .rows = rows}), "photo").pixels,
              ElementsAre(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12));
}

TEST(DecodeBmp, LooksUpPalettesOfAnyDepth) {
  const std::string palette("\x01\x02\x03\0\x04\x05\x06\0", 8);
  const auto first_red = [&](int depth, const std::string& row) {
    std::vector<int> reds;
    const Image image = decode_image(
        bmp_bytes({.width = 3, .height = 1, .depth = depth, .after_header = palette, .rows = row}),
        "photo");
    for (std::size_t i = 0; i < 3; ++i) reds.push_back(image.pixels[3 * i]);
    return reds;
  };
  EXPECT_THAT(first_red(1, std::string("\xa0\0\0\0", 4)), ElementsAre(6, 3, 6));
  EXPECT_THAT(first_red(4, std::string("\x10\x10\0\0", 4)), ElementsAre(6, 3, 6));
  EXPECT_THAT(first_red(8, std::string("\x01\0\x01\0", 4)), ElementsAre(6, 3, 6));
}

TEST(DecodeBmp, ReadsMasksAndFiveBitColours) {
  // 5 bits of 31, 0 and 16: 255, 0 and 131 (16 * 255 / 31 rounded down, as Pillow has it).
  const std::string plain("\x10\x7c\0\0", 4);
  EXPECT_THAT(
      decode_image(bmp_bytes({.width = 1, .height = 1, .depth = 16, .rows = plain}), "photo")
          .pixels,
      ElementsAre(255, 0, 131));
  std::string masks;
  for (const std::uint32_t mask : {0x000000ffU, 0x0000ff00U, 0x00ff0000U}) {
    append_little_endian(masks, mask);
  }
  EXPECT_THAT(decode_image(bmp_bytes({.width = 1,
                                      .height = 1,
                                      .depth = 32,
                                      .compression = 3,
                                      .after_header = masks,
                                      .rows = "\x01\x02\x03\x04"}),
                           "photo")
                  .pixels,
              ElementsAre(1, 2, 3));
}

TEST(DecodeBmp, SaysWhatItDoesNotRead) {
  EXPECT_THAT(decode_error(bmp_bytes({.width = 1, .height = 1, .depth = 8, .compression = 1})),
              HasSubstr("run-length"));
  EXPECT_THAT(decode_error(bmp_bytes({.width = 1, .height = 1, .depth = 7})),
              HasSubstr("7 bits a pixel"));
  EXPECT_THAT(decode_error(bmp_bytes({.width = 1 << 30, .height = 1 << 30})),
              HasSubstr("cannot be used"));
  EXPECT_THAT(decode_error(bmp_bytes({.width = 9000, .height = 9000})), HasSubstr("too early"));
}

TEST(DecodeBmp, EveryCutIsRefused) {
  const std::string bytes = bmp_bytes({.width = 4, .height = 4, .rows = std::string(48, 'x')});
  expect_every_cut_is_refused(bytes, 1, bytes.size());
  flip_every_byte(bytes);
}

}  // namespace
}  // namespace ompq::data
