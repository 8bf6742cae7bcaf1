#include "ompq/diagnosis/layer_noise.h"

#include <cmath>
#include <vector>

#include <gtest/gtest.h>

#include "ompq/allocation/cost_model.h"
#include "ompq/pipeline/network.h"
#include "pipeline/small_model.h"

namespace ompq::diagnosis {
namespace {

using allocation::kFloatBits;

TEST(InputNoise, CountsWhatTheQuantizerClips) {
  InputNoise noise;
  noise.channel_peak.assign(2, 0.0F);
  // Steps of 1 from 0 to 3: 5 and -2 are clipped, 1.4 is rounded.
  const std::vector<float> x{1.0F, 5.0F, 1.4F, -2.0F};
  const std::vector<float> x_q{1.0F, 3.0F, 1.0F, 0.0F};
  noise.add(x, x_q, 1.0F);
  EXPECT_EQ(noise.clipped, 2);
  EXPECT_NEAR(noise.clipping_noise, 4.0 + 4.0, 1e-6);
  EXPECT_NEAR(noise.quantized.noise, 4.0 + 0.16 + 4.0, 1e-5);
  EXPECT_EQ(noise.channel_peak[0], 1.4F);
  EXPECT_EQ(noise.channel_peak[1], 5.0F);
}

TEST(InputNoise, SpreadsAndPeaksAreRatios) {
  InputNoise noise;
  EXPECT_EQ(noise.channel_spread(), 0.0);
  EXPECT_EQ(noise.peak_to_rms(), 0.0);
  noise.channel_peak.assign(3, 0.0F);
  const std::vector<float> x{1.0F, 8.0F, -2.0F};
  noise.add(x, x, 1.0F);
  EXPECT_DOUBLE_EQ(noise.channel_spread(), 4.0) << "8 over the median 2";
  EXPECT_NEAR(noise.peak_to_rms(), 8.0 / std::sqrt((1.0 + 64.0 + 4.0) / 3.0), 1e-6);
}

class LayerNoiseTest : public ::testing::Test {
 protected:
  [[nodiscard]] std::vector<LayerNoise> measured(
      const std::vector<int>& bits, const rounding::ActivationQuantizers& activations = {}) {
    // Other targets have symmetric weights of 8 bits, which are coarser.
    const rounding::WeightOptions options{.target = "exact"};
    const graph::Graph quantized =
        pipeline::quantize_network(model_, bits, activations, options).graph;
    LayerNoiseMeter meter(model_.graph, model_.discovery.layers, quantized, {.threads = 1});
    meter.add_batch(samples_.dataset->load(samples_.indices).inputs);
    return meter.result();
  }

  pipeline::Model model_ = pipeline::small_model();
  pipeline::Samples samples_ = pipeline::small_samples(16);
};

TEST_F(LayerNoiseTest, IsTheLayersOwnHoweverNoisyWhatComesBefore) {
  std::vector<int> alone(5, kFloatBits);
  alone[3] = 3;
  const auto one = measured(alone);
  const auto all = measured({2, 2, 2, 3, 2});
  EXPECT_NEAR(*all[3].weights.snr_db(), *one[3].weights.snr_db(), 1e-4);
  for (const std::size_t l : {0U, 1U, 2U, 4U}) {
    EXPECT_EQ(one[l].weights.elements, 0) << l << " is not changed";
  }
}

TEST_F(LayerNoiseTest, FallsBySixDecibelsABit) {
  const auto coarse = measured({4, 4, 4, 4, 4});
  const auto fine = measured({8, 8, 8, 8, 8});
  for (std::size_t l = 0; l < 5; ++l) {
    // 4 bits are 24 dB; ranges that clip a little at 4 bits take some of it.
    EXPECT_NEAR(*fine[l].weights.snr_db() - *coarse[l].weights.snr_db(), 24.0, 6.0) << l;
  }
}

TEST_F(LayerNoiseTest, TellsTheInputsPartFromTheWeights) {
  rounding::ActivationQuantizers activations;
  activations[model_.discovery.layers[1].input] = {
      .bits = BitWidth(8), .scale = {0.25F}, .zero_point = {0}};
  const auto noise = measured(std::vector<int>(5, kFloatBits), activations);
  EXPECT_GT(noise[1].input.noise, 0.0);
  EXPECT_EQ(noise[1].weights.elements, 0);
  EXPECT_GT(noise[1].at_input.quantized.noise, 0.0);
  EXPECT_EQ(noise[4].at_input.quantized.elements, 0) << "its input stays float";
}

}  // namespace
}  // namespace ompq::diagnosis
