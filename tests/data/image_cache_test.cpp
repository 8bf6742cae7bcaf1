#include "ompq/data/image_cache.h"

#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "data/sample_files.h"

namespace ompq::data {
namespace {

using testing::constant_image;

TEST(ImageCache, KeepsWhatFitsAndNothingElse) {
  ImageCache cache(10);
  EXPECT_EQ(cache.find(3), nullptr);
  const auto kept = cache.keep(3, constant_image(2, 4, {7}));
  EXPECT_EQ(cache.find(3), kept);
  const auto passed = cache.keep(4, constant_image(1, 3, {8}));
  EXPECT_EQ(passed->pixels, constant_image(1, 3, {8}).pixels);
  EXPECT_EQ(cache.find(4), nullptr);
  EXPECT_NE(cache.keep(5, constant_image(1, 2, {9})), nullptr);
  EXPECT_EQ(cache.bytes(), 10);
  EXPECT_EQ(cache.size(), 2);
}

TEST(ImageCache, CountsAnImageOnce) {
  ImageCache cache(100);
  cache.keep(1, constant_image(2, 2, {7}));
  cache.keep(1, constant_image(2, 2, {7}));
  EXPECT_EQ(cache.bytes(), 4);
}

TEST(ImageCache, OfNoBytesKeepsNothing) {
  ImageCache cache(0);
  const auto passed = cache.keep(1, constant_image(1, 1, {7}));
  EXPECT_EQ(passed->pixels, constant_image(1, 1, {7}).pixels);
  EXPECT_EQ(cache.find(1), nullptr);
  EXPECT_EQ(cache.size(), 0);
}

TEST(ImageCache, ImagesOutliveIt) {
  std::shared_ptr<const Image> found;
  {
    ImageCache cache(100);
    cache.keep(1, constant_image(2, 2, {7}));
    found = cache.find(1);
  }
  EXPECT_EQ(found->pixels, constant_image(2, 2, {7}).pixels);
}

TEST(ImageCache, NeverExceedsItsLimitWhateverTheThreadsKeep) {
  constexpr std::int64_t kImages = 50;
  ImageCache cache(4 * kImages / 2);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (std::int64_t i = 0; i < kImages; ++i) {
        if (!cache.find(i)) cache.keep(i, constant_image(2, 2, {static_cast<std::uint8_t>(i)}));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(cache.bytes(), 4 * kImages / 2);
  EXPECT_EQ(cache.size(), kImages / 2);
  for (std::int64_t i = 0; i < kImages; ++i) {
    const auto found = cache.find(i);
    EXPECT_TRUE(!found || found->pixels.front() == i) << "image " << i;
  }
}

}  // namespace
}  // namespace ompq::data
