#include "ompq/data/named_arrays.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ompq::data {
namespace {

using ::testing::StartsWith;

NamedArrays pixels_and_labels(std::uint8_t first) {
  return {{"x", Tensor::from<std::uint8_t>({2, 1, 2}, {first, 2, 3, 4})},
          {"y", Tensor::from<std::int64_t>({2}, {0, 1})}};
}

TEST(ArraysText, SaysNamesTypesAndShapes) {
  EXPECT_THAT(arrays_text(pixels_and_labels(1)), StartsWith("x uint8 2x1x2, y int64 2 (sha256 "));
}

TEST(ArraysText, DiffersWhereAByteDiffers) {
  EXPECT_EQ(arrays_text(pixels_and_labels(1)), arrays_text(pixels_and_labels(1)));
  EXPECT_NE(arrays_text(pixels_and_labels(1)), arrays_text(pixels_and_labels(2)));
}

}  // namespace
}  // namespace ompq::data
