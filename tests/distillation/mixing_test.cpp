#include "ompq/distillation/mixing.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <vector>

#include <gtest/gtest.h>

namespace ompq::distillation {
namespace {

/// Sample s has the number s in every element.
Tensor numbered(std::vector<std::int64_t> shape) {
  Tensor samples(DataType::Float32, std::move(shape));
  const auto values = samples.mutable_data<float>();
  const std::size_t size = values.size() / static_cast<std::size_t>(samples.shape().front());
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i / size);
  return samples;
}

std::vector<float> sample(const Tensor& samples, std::size_t index) {
  const auto values = samples.data<float>();
  const std::size_t size = values.size() / static_cast<std::size_t>(samples.shape().front());
  const auto begin = values.begin() + static_cast<std::ptrdiff_t>(index * size);
  return {begin, begin + static_cast<std::ptrdiff_t>(size)};
}

TEST(MixSamples, BlendsWithOneOtherSample) {
  Tensor samples = numbered({4, 3, 5});
  Random random(1);
  mix_samples(samples, Mixing::Blend, 1.0, random);
  for (std::size_t s = 0; s < 4; ++s) {
    const std::vector<float> values = sample(samples, s);
    EXPECT_TRUE(std::ranges::all_of(values, [&](float x) { return x == values.front(); })) << s;
    EXPECT_GE(values.front(), 0.0F);
    EXPECT_LE(values.front(), 3.0F);
    EXPECT_NE(values.front(), std::round(values.front())) << s;
  }
}

TEST(MixSamples, PastesTheSameRectangleInEveryChannel) {
  constexpr std::size_t kHeight = 12;
  constexpr std::size_t kWidth = 16;
  Tensor samples = numbered({40, 2, kHeight, kWidth});
  Random random(1);
  mix_samples(samples, Mixing::Paste, 1.0, random);
  double area = 0.0;
  for (std::size_t s = 0; s < 40; ++s) {
    const std::vector<float> values = sample(samples, s);
    const std::set<float> found(values.begin(), values.end());
    EXPECT_LE(found.size(), 2U) << "of itself and one other";
    std::size_t top = kHeight;
    std::size_t bottom = 0;
    std::size_t left = kWidth;
    std::size_t right = 0;
    std::size_t pasted = 0;
    for (std::size_t y = 0; y < kHeight; ++y) {
      for (std::size_t x = 0; x < kWidth; ++x) {
        const float value = values[y * kWidth + x];
        EXPECT_EQ(value, values[(kHeight + y) * kWidth + x]) << "the other channel";
        if (value == static_cast<float>(s)) continue;
        ++pasted;
        top = std::min(top, y);
        bottom = std::max(bottom, y + 1);
        left = std::min(left, x);
        right = std::max(right, x + 1);
      }
    }
    if (pasted > 0) {
      EXPECT_EQ(pasted, (bottom - top) * (right - left)) << "a rectangle";
    }
    area += static_cast<double>(pasted) / static_cast<double>(kHeight * kWidth);
  }
  // The mean of a uniform share; its standard deviation over 40 samples is 0.05.
  EXPECT_NEAR(area / 40, 0.5, 0.2);
}

TEST(MixSamples, PastesAPieceOfASignal) {
  constexpr std::size_t kLength = 64;
  Tensor samples = numbered({8, 1, kLength});
  Random random(2);
  mix_samples(samples, Mixing::Paste, 1.0, random);
  bool pasted = false;
  for (std::size_t s = 0; s < 8; ++s) {
    const std::vector<float> values = sample(samples, s);
    std::size_t borders = 0;
    for (std::size_t i = 1; i < kLength; ++i) borders += values[i] != values[i - 1] ? 1 : 0;
    EXPECT_LE(borders, 2U);
    pasted = pasted || borders > 0;
  }
  EXPECT_TRUE(pasted);
}

TEST(MixSamples, BlendsWhatHasNoExtents) {
  Tensor samples = numbered({6, 4});
  Random random(3);
  mix_samples(samples, Mixing::Paste, 1.0, random);
  EXPECT_NE(sample(samples, 1).front(), 1.0F);
  EXPECT_NE(sample(samples, 1).front(), std::round(sample(samples, 1).front()));
}

TEST(MixSamples, LeavesTheShareAsked) {
  Tensor samples = numbered({1000, 2});
  Random random(4);
  mix_samples(samples, Mixing::Blend, 0.25, random);
  int mixed = 0;
  for (std::size_t s = 0; s < 1000; ++s) {
    if (sample(samples, s).front() != static_cast<float>(s)) ++mixed;
  }
  EXPECT_NEAR(mixed, 250, 60);  // more than four standard deviations
}

TEST(MixSamples, LeavesEqualBytesForASeedAndASingleSampleAlone) {
  const auto mixed = [](std::uint64_t seed, std::int64_t count) {
    Tensor samples = numbered({count, 2, 4, 4});
    Random random(seed);
    mix_samples(samples, Mixing::Paste, 0.5, random);
    return samples;
  };
  EXPECT_TRUE(mixed(5, 16).equals(mixed(5, 16)));
  EXPECT_FALSE(mixed(5, 16).equals(mixed(6, 16)));
  EXPECT_TRUE(mixed(5, 1).equals(numbered({1, 2, 4, 4})));
  Tensor none = numbered({16, 2});
  Random random(7);
  mix_samples(none, Mixing::None, 1.0, random);
  EXPECT_TRUE(none.equals(numbered({16, 2})));
}

}  // namespace
}  // namespace ompq::distillation
