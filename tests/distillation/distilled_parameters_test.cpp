#include "ompq/distillation/distilled_parameters.h"

#include <cmath>
#include <cstdint>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ompq/core/random.h"
#include "ompq/quant/short_scale.h"

namespace ompq::distillation {
namespace {

quant::QuantizedTensor some_codes(const Tensor& weight) {
  return quant::quantize(weight,
                         {.bits = BitWidth(3),
                          .granularity = quant::Granularity::along(0),
                          .scale = {0.25F, 0.5F},
                          .zero_point = {4, 3}});
}

Tensor some_weight() {
  Random random(9);
  std::vector<float> values(24);
  for (float& value : values) value = static_cast<float>(random.normal());
  return Tensor::from({2, 3, 4}, values);
}

TEST(DistilledWeight, StartsWithTheInitialCodes) {
  const auto initial = some_codes(some_weight());
  const DistilledWeight weight(some_weight(), initial);
  EXPECT_EQ(weight.codes().codes, initial.codes);
  std::vector<float> values(24);
  weight.write_weights(values);
  EXPECT_EQ(values, quant::dequantize(initial).to_floats());
}

quant::QuantizedTensor normal_codes(const Tensor& weight) {
  return quant::quantize(weight,
                         {.bits = BitWidth(3),
                          .symmetry = quant::Symmetry::Normal,
                          .granularity = quant::Granularity::along(0),
                          .scale = {0.0175F, 0.03F},
                          .zero_point = {-12, 28}});
}

TEST(DistilledWeight, OfNormalLevelsStartsWithTheInitialCodesAndMovesByLevels) {
  auto initial = normal_codes(some_weight());
  for (std::size_t i = 0; i < initial.codes.size(); i += 3) initial.codes[i] = 5;
  for (float& scale : initial.params.scale) {
    scale = quant::short_scale(scale, quant::Snap::Nearest);
  }
  DistilledWeight weight(some_weight(), initial);
  EXPECT_EQ(weight.codes().codes, initial.codes);
  std::vector<float> values(24);
  weight.write_weights(values);
  EXPECT_EQ(values, quant::dequantize(initial).to_floats());
  // The rate is in mean distances between levels: 40 steps of 1/20 are two of them, from the
  // middle of the outermost cells over at least one level.
  const std::vector<float> gradients(24, -1.0F);
  for (std::int64_t step = 1; step <= 40; ++step) weight.update(gradients, 0.0, 0.05, step);
  const auto moved = weight.codes();
  for (std::size_t i = 0; i < 24; ++i) {
    EXPECT_GT(moved.codes[i], std::min<int>(initial.codes[i], 6)) << i;
    EXPECT_LE(moved.codes[i], 7);
  }
}

TEST(DistilledWeight, DecreasesScalesForAPositiveGradient) {
  const auto initial = some_codes(some_weight());
  DistilledWeight weight(some_weight(), initial);
  // The gradient of half the sum of squares: smaller scales have a smaller loss.
  std::vector<float> gradients(24);
  const std::vector<float> values = quant::dequantize(initial).to_floats();
  for (std::int64_t step = 1; step <= 200; ++step) {
    for (std::size_t i = 0; i < 24; ++i) gradients[i] = values[i];
    weight.update(gradients, 2e-3, 0.0, step);
  }
  for (std::size_t c = 0; c < 2; ++c) EXPECT_LT(weight.scales()[c], initial.params.scale[c]);
  EXPECT_EQ(weight.codes().codes, initial.codes);
}

TEST(DistilledWeight, KeepsLevelsInTheGrid) {
  const auto initial = some_codes(some_weight());
  DistilledWeight weight(some_weight(), initial);
  const std::vector<float> gradients(24, -1.0F);
  for (std::int64_t step = 1; step <= 1000; ++step) weight.update(gradients, 0.0, 0.05, step);
  for (const std::uint8_t code : weight.codes().codes) EXPECT_EQ(code, 7);
}

TEST(DistilledWeight, KeepsScalesShort) {
  const auto initial = some_codes(some_weight());
  DistilledWeight weight(some_weight(), initial);
  const std::vector<float> gradients(24, 1.0F);
  for (std::int64_t step = 1; step <= 50; ++step) {
    weight.update(gradients, 3e-3, 0.0, step);
    for (const float scale : weight.scales()) {
      EXPECT_EQ(quant::short_scale(scale, quant::Snap::Nearest), scale) << step;
    }
  }
}

TEST(DistilledWeight, ResumesFromItsNumbers) {
  const auto initial = some_codes(some_weight());
  DistilledWeight whole(some_weight(), initial);
  DistilledWeight resumed(some_weight(), initial);
  std::vector<float> gradients(24);
  const auto step = [&](DistilledWeight& weight, std::int64_t number) {
    for (std::size_t i = 0; i < 24; ++i) {
      gradients[i] = static_cast<float>((number * 7 + static_cast<std::int64_t>(i)) % 5) - 2.0F;
    }
    weight.update(gradients, 1e-2, 1e-2, number);
  };
  for (std::int64_t number = 1; number <= 20; ++number) step(whole, number);
  std::vector<std::vector<float>> kept;
  {
    DistilledWeight first(some_weight(), initial);
    for (std::int64_t number = 1; number <= 12; ++number) step(first, number);
    first.visit([&](const char*, const std::vector<float>& numbers) { kept.push_back(numbers); });
  }
  std::size_t next = 0;
  resumed.visit([&](const char*, std::vector<float>& numbers) { numbers = kept.at(next++); });
  resumed.restored();
  for (std::int64_t number = 13; number <= 20; ++number) step(resumed, number);
  EXPECT_EQ(resumed.scales(), whole.scales());
  EXPECT_EQ(resumed.codes().codes, whole.codes().codes);
}

TEST(AdamMoments, MoveByTheRateInTheFirstStep) {
  AdamMoments moments(3);
  std::vector<float> values{1.0F, 1.0F, 1.0F};
  const std::vector<float> gradients{1e-4F, -50.0F, 0.0F};
  moments.update(gradients, 0.25, 1, values);
  // Both corrected moments are those of one gradient g: g / sqrt(g^2).
  EXPECT_NEAR(values[0], 0.75F, 1e-5F);
  EXPECT_NEAR(values[1], 1.25F, 1e-5F);
  EXPECT_EQ(values[2], 1.0F);
}

}  // namespace
}  // namespace ompq::distillation
