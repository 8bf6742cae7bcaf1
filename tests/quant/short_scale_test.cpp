#include "ompq/quant/short_scale.h"

#include <algorithm>
#include <cmath>
#include <limits>

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

QuantParams params_with(std::vector<float> scales) {
  const std::size_t count = scales.size();
  return {.scale = std::move(scales), .zero_point = std::vector<std::int32_t>(count, 0)};
}

std::vector<float> decoded(const ScaleCodes& codes) {
  std::vector<float> scales;
  for (const std::uint8_t code : codes.codes) {
    scales.push_back(std::ldexp(static_cast<float>(16 + code % 16), code / 16) * codes.unit);
  }
  return scales;
}

TEST(ShortenScales, LeaveScalesThatTakeOneByteEach) {
  Random random(3);
  for (int trial = 0; trial < 100; ++trial) {
    std::vector<float> scales(40);
    for (float& scale : scales) {
      scale = static_cast<float>(std::exp(40.0 * random.uniform() - 30.0));
    }
    QuantParams params = params_with(scales);
    shorten_scales(params, Snap::Nearest);
    const auto codes = encode_scales(params.scale);
    ASSERT_TRUE(codes) << "trial " << trial;
    ASSERT_EQ(decoded(*codes), params.scale);
    const float largest = *std::max_element(params.scale.begin(), params.scale.end());
    for (std::size_t i = 0; i < scales.size(); ++i) {
      const float shortened = short_scale(scales[i], Snap::Nearest);
      ASSERT_GE(params.scale[i], shortened);
      if (params.scale[i] != shortened) {
        ASSERT_LE(params.scale[i], std::ldexp(largest, -15)) << "raised without need";
      }
    }
  }
}

TEST(EncodeScales, SpansSixteenOctavesAndNoMore) {
  const float min = std::ldexp(1.0F, -15);
  EXPECT_EQ(encode_scales(std::vector<float>{1.9375F, min})->codes,
            (std::vector<std::uint8_t>{255, 0}));
  EXPECT_FALSE(encode_scales(std::vector<float>{1.9375F, min / 2}));
}

TEST(EncodeScales, RefusesWhatItCannotHoldExactly) {
  const float infinity = std::numeric_limits<float>::infinity();
  EXPECT_FALSE(encode_scales({}));
  EXPECT_FALSE(encode_scales(std::vector<float>{1.0F, 0.3F})) << "not short";
  EXPECT_FALSE(encode_scales(std::vector<float>{1.0F, 0.0F}));
  EXPECT_FALSE(encode_scales(std::vector<float>{1.0F, -1.0F}));
  EXPECT_FALSE(encode_scales(std::vector<float>{infinity}));
  EXPECT_FALSE(encode_scales(std::vector<float>{std::nanf("")}));
  EXPECT_FALSE(encode_scales(std::vector<float>{1e-37F})) << "its unit is subnormal";
}

TEST(ShortBias, IsAWholeNumberOfStepsOfElevenBitsAndStaysNear) {
  Random random(4);
  for (int trial = 0; trial < 1000; ++trial) {
    const float step =
        short_scale(static_cast<float>(std::exp(-9.0 * random.uniform())), Snap::Nearest);
    const auto bias = static_cast<float>(random.normal());
    const float rounded = short_bias(bias, step);
    const float steps = rounded / step;
    ASSERT_EQ(steps, std::nearbyint(steps));
    int exponent = 0;
    const float fraction = std::ldexp(std::frexp(steps, &exponent), kShortBiasBits);
    ASSERT_EQ(fraction, std::nearbyint(fraction)) << steps;
    // Half a step, or half a unit of the last of eleven bits; a thousandth for float's rounding.
    const float bound = std::max(step / 2, std::abs(bias) / 2048);
    ASSERT_LE(std::abs(rounded - bias), bound * 1.001F) << bias << " in steps of " << step;
  }
}

TEST(RoundBiases, RoundsToStepsOfTheInputsAndTheChannelsScale) {
  std::vector<float> per_channel{1.3F, -0.7F, 300.2F};
  round_biases(per_channel, 0.5F, std::vector<float>{1.0F, 0.5F, 0.0625F});
  // Steps 0.5, 0.25 and 0.03125: 9606.4 of the last, of which 11 bits remain.
  EXPECT_EQ(per_channel, (std::vector<float>{1.5F, -0.75F, 9608.0F / 32}));
  std::vector<float> per_tensor{1.3F, -0.7F, 0.2F};
  round_biases(per_tensor, 0.5F, std::vector<float>{1.0F});
  EXPECT_EQ(per_tensor, (std::vector<float>{1.5F, -0.5F, 0.0F}));
}

}  // namespace
}  // namespace ompq::quant
