#include "ompq/quant/short_scale.h"

#include <cmath>

#include <gtest/gtest.h>

#include "ompq/core/random.h"

namespace ompq::quant {
namespace {

TEST(ShortScale, KeepsFiveSignificantBitsAndStaysNear) {
  Random random(1);
  for (int trial = 0; trial < 1000; ++trial) {
    const auto scale = static_cast<float>(std::exp(20.0 * random.uniform() - 15.0));
    for (const Snap snap : {Snap::Nearest, Snap::Up}) {
      const float snapped = short_scale(scale, snap);
      int exponent = 0;
      const float steps = std::ldexp(std::frexp(snapped, &exponent), kShortScaleBits + 1);
      ASSERT_EQ(steps, std::nearbyint(steps)) << scale;
      ASSERT_LE(std::abs(snapped / scale - 1.0F), snap == Snap::Up ? 1.0F / 16 : 1.0F / 32)
          << scale;
      if (snap == Snap::Up) {
        ASSERT_GE(snapped, scale);
      }
    }
  }
}

TEST(ShortScale, SumsOfProductsDoNotDependOnTheirOrder) {
  Random random(2);
  const float a = short_scale(0.0173F, Snap::Up);
  const float w = short_scale(0.0391F, Snap::Nearest);
  // A 3x3 convolution over 64 channels, 8-bit activations and 4-bit weights: a product is a whole
  // number of steps below 2^11 x 2^10, and sums of both signs grow with the root of their number,
  // so that they stay below the 2^24 steps that float32 counts.
  std::vector<float> products(576);
  for (float& product : products) {
    const auto code = static_cast<float>(random.below(256));
    const auto weight = static_cast<float>(static_cast<int>(random.below(16)) - 8);
    product = (code * a) * (weight * w);
  }
  const auto sum = [&] {
    float total = 0;
    for (const float product : products) total += product;
    return total;
  };
  const float first = sum();
  for (int trial = 0; trial < 20; ++trial) {
    random.shuffle(products);
    ASSERT_EQ(sum(), first) << trial;
  }
}

}  // namespace
}  // namespace ompq::quant
