#include "ompq/data/image.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ompq/core/error.h"

namespace ompq::data {
namespace {

using ::testing::ElementsAre;
using ::testing::ElementsAreArray;

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
