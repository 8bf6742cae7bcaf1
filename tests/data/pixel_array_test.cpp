#include "ompq/data/pixel_array.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "data/dataset_helpers.h"
#include "data/sample_files.h"
#include "ompq/core/random.h"
#include "support/paths.h"
#include "support/peak_memory.h"

namespace ompq::data {
namespace {

using ::ompq::testing::TemporaryDirectory;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::idx_bytes;
using ::testing::IsEmpty;
using testing::thrown_text;
using testing::write_bytes;
using Extents = std::vector<std::int64_t>;

/// Height, width, channels, and "planes" or "pixels"; "none" without a layout.
std::string text_of_layout(const std::optional<PixelLayout>& layout) {
  if (!layout) return "none";
  return std::to_string(layout->height) + " " + std::to_string(layout->width) + " " +
         std::to_string(layout->channels) + (layout->planar ? " planes" : " pixels");
}

TEST(PictureLayout, FindsTheChannelsFirstOrLast) {
  EXPECT_EQ(text_of_layout(picture_layout(Extents{9, 28, 20})), "28 20 1 pixels");
  EXPECT_EQ(text_of_layout(picture_layout(Extents{9, 28, 20, 3})), "28 20 3 pixels");
  EXPECT_EQ(text_of_layout(picture_layout(Extents{9, 3, 28, 20})), "28 20 3 planes");
  EXPECT_EQ(text_of_layout(picture_layout(Extents{9, 1, 28, 20})), "28 20 1 planes");
  EXPECT_EQ(text_of_layout(picture_layout(Extents{9, 3, 5, 3})), "3 5 3 pixels") << "ambiguous";
}

TEST(PictureLayout, IsNoneForOtherShapes) {
  for (const Extents& shape : {Extents{9},
                               Extents{9, 28},
                               Extents{9, 28, 20, 4},
                               Extents{9, 2, 3, 4, 5},
                               Extents{9, 0, 5}}) {
    EXPECT_EQ(text_of_layout(picture_layout(shape)), "none") << shape_text(shape);
  }
}

TEST(PixelLayout, TakesAlphaAndTheChannelsThatTheInputWants) {
  const Extents colours{3, 28, 20};
  EXPECT_EQ(text_of_layout(pixel_layout(Extents{9, 28, 20, 4}, colours)), "28 20 4 pixels");
  EXPECT_EQ(text_of_layout(pixel_layout(Extents{9, 4, 28, 20}, colours)), "28 20 4 planes");
  EXPECT_EQ(text_of_layout(pixel_layout(Extents{9, 28, 20, 4}, Extents{560})), "none");
  EXPECT_EQ(text_of_layout(pixel_layout(Extents{9, 6, 28, 20}, Extents{6, 28, 20})),
            "28 20 6 planes");
  EXPECT_EQ(text_of_layout(pixel_layout(Extents{9, 28, 20, 6}, Extents{6, -1, -1})),
            "28 20 6 pixels");
  EXPECT_EQ(text_of_layout(pixel_layout(Extents{9, 28, 20, 2}, Extents{28, 20, 2})),
            "28 20 2 pixels");
  EXPECT_EQ(text_of_layout(pixel_layout(Extents{9, 28, 20, 5}, Extents{6, 28, 20})), "none");
}

TEST(ImageAt, InterleavesPlanes) {
  const Tensor pixels =
      Tensor::from<std::uint8_t>({2, 6}, {1, 2, 3, 4, 5, 6, 10, 20, 30, 40, 50, 60});
  const Image last = image_at(pixels, {1, 2, 3, false}, 1);
  EXPECT_THAT(last.pixels, ElementsAre(10, 20, 30, 40, 50, 60));
  const Image first = image_at(pixels, {1, 2, 3, true}, 1);
  EXPECT_EQ(first.height, 1);
  EXPECT_EQ(first.width, 2);
  EXPECT_EQ(first.channels, 3);
  EXPECT_THAT(first.pixels, ElementsAre(10, 30, 50, 20, 40, 60));
}

TEST(ReadIdx, ReadsAnyRankPlainOrCompressed) {
  const TemporaryDirectory root;
  write_bytes(root / "plain", idx_bytes({2, 3}, "ABCDEF"));
  const Tensor plain = read_idx(root / "plain");
  EXPECT_EQ(plain.type(), DataType::UInt8);
  EXPECT_THAT(plain.shape(), ElementsAre(2, 3));
  EXPECT_THAT(plain.to_int64s(), ElementsAre('A', 'B', 'C', 'D', 'E', 'F'));
  testing::write_gzip(root / "packed", idx_bytes({2, 3}, "ABCDEF"));
  EXPECT_TRUE(read_idx(root / "packed").equals(plain));
}

TEST(ReadIdx, RefusesToUnpackMuchMoreThanTheFile) {
  const TemporaryDirectory root;
  std::string noise(320'000, '\0');
  Random random(2);
  for (char& byte : noise) byte = static_cast<char>(random.below(256));
  testing::write_gzip(root / "digits.gz", idx_bytes({300, 1 << 10, 1 << 10}, noise));
  std::string message;
  const std::int64_t peak = ::ompq::testing::peak_growth(
      [&] { message = thrown_text([&] { (void)read_idx(root / "digits.gz"); }); });
  EXPECT_THAT(message,
              HasSubstr("its header declares 300x1024x1024, which needs 300 MiB, more than the "
                        "limit of 256 MiB"));
  EXPECT_LT(peak, std::int64_t{50} << 20);
}

TEST(ReadIdx, NamesTheFileThatIsDamaged) {
  const TemporaryDirectory root;
  const auto error_with = [&](const std::string& bytes) {
    write_bytes(root / "digits", bytes);
    return thrown_text([&] { (void)read_idx(root / "digits"); });
  };
  EXPECT_THAT(error_with(idx_bytes({2, 2, 2}, "ABC")),
              AllOf(HasSubstr("digits]"), HasSubstr("has 3 bytes"), HasSubstr("2x2x2 = 8")));
  EXPECT_THAT(error_with(idx_bytes({1, 2, 2}, "ABCDE")), HasSubstr("has more bytes"));
  EXPECT_THAT(error_with(idx_bytes({0x7fffffff, 0x7fffffff, 1}, "A")), HasSubstr("has 1 bytes"));
  EXPECT_THAT(error_with(std::string("\0\0\x08\x03\0\0", 6)), HasSubstr("header is truncated"));
  EXPECT_THAT(error_with(std::string("\0\0\x0d\x01\0\0\0\1A", 9)), HasSubstr("IDX type 0x0d"));
  EXPECT_THAT(error_with("hello, world"), HasSubstr("is not an IDX file"));
  EXPECT_THAT(error_with(""), HasSubstr("is not an IDX file"));
  EXPECT_THROW((void)read_idx(root / "none"), FileError);
}

TEST(ReadIdxImages, FindsTheLabelsNextToTheImages) {
  const TemporaryDirectory root;
  const std::string images = idx_bytes({2, 1, 1}, "AB");
  write_bytes(root / "t-images-idx3-ubyte", images);
  EXPECT_THAT(read_idx_images(root / "t-images-idx3-ubyte").labels.values, IsEmpty());
  testing::write_gzip(root / "t-labels-idx1-ubyte.gz", idx_bytes({2}, "\x07\x03"));
  EXPECT_THAT(read_idx_images(root / "t-images-idx3-ubyte").labels.values, ElementsAre(7, 3));
  testing::write_gzip(root / "t-images-idx3-ubyte.gz", images);
  EXPECT_THAT(read_idx_images(root / "t-images-idx3-ubyte.gz").labels.values, ElementsAre(7, 3));
  write_bytes(root / "other", images);
  EXPECT_THAT(read_idx_images(root / "other").labels.values, IsEmpty());
}

TEST(ReadIdxImages, SaysWhyTheLabelsCannotBeUsed) {
  const TemporaryDirectory root;
  write_bytes(root / "images", idx_bytes({2, 1, 1}, "AB"));
  const auto fault_with = [&](const std::string& bytes) {
    write_bytes(root / "labels", bytes);
    const PixelArray array = read_idx_images(root / "images");
    EXPECT_THAT(array.pixels.shape(), ElementsAre(2, 1, 1));
    EXPECT_THAT(array.labels.values, IsEmpty());
    return array.labels.fault;
  };
  EXPECT_THAT(fault_with(idx_bytes({3}, "\x01\x02\x03")), HasSubstr("each of the 2 samples"));
  EXPECT_THAT(fault_with("garbage"), AllOf(HasSubstr("labels: "), HasSubstr("not an IDX file")));
}

std::string cifar_bytes(std::uint8_t label, char red, char green, char blue) {
  return std::string(1, static_cast<char>(label)) + std::string(1024, red) +
         std::string(1024, green) + std::string(1024, blue);
}

TEST(ReadCifar10, AppendsTheRecordsOfAllFiles) {
  const TemporaryDirectory root;
  write_bytes(root / "1.bin", cifar_bytes(4, 7, 8, 9) + cifar_bytes(5, 4, 5, 6));
  write_bytes(root / "2.bin", cifar_bytes(9, 1, 2, 3));
  const PixelArray array = read_cifar10({root / "2.bin", root / "1.bin"});
  EXPECT_THAT(array.labels.values, ElementsAre(9, 4, 5));
  EXPECT_THAT(array.pixels.shape(), ElementsAre(3, 3, 32, 32));
  const auto pixels = array.pixels.data<std::uint8_t>();
  for (std::size_t plane = 0; plane < 9; ++plane) {
    constexpr int kFirst[] = {1, 2, 3, 7, 8, 9, 4, 5, 6};
    EXPECT_EQ(pixels[plane * 1024], kFirst[plane]) << "plane " << plane;
    EXPECT_EQ(pixels[plane * 1024 + 1023], kFirst[plane]) << "plane " << plane;
  }
}

TEST(ReadCifar10, NamesTheFileThatIsDamaged) {
  const TemporaryDirectory root;
  const auto error_with = [&](const std::string& bytes) {
    write_bytes(root / "1.bin", bytes);
    return thrown_text([&] { (void)read_cifar10({root / "1.bin"}); });
  };
  EXPECT_THAT(error_with(cifar_bytes(1, 1, 1, 1) + "x"),
              AllOf(HasSubstr("1.bin]"), HasSubstr("3074 bytes")));
  EXPECT_THAT(error_with(""), HasSubstr("holds 0 bytes"));
  EXPECT_THAT(error_with(cifar_bytes(0, 1, 1, 1) + cifar_bytes(10, 1, 1, 1)),
              HasSubstr("record 1 has label 10; CIFAR-10 has the classes 0..9"));
}

}  // namespace
}  // namespace ompq::data
