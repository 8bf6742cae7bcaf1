#include "ompq/rounding/bias_range.h"

#include <cmath>
#include <cstdint>
#include <vector>

#include <gtest/gtest.h>

#include "support/graph_builder.h"

namespace ompq::rounding {
namespace {

using graph::Dim;

constexpr float kStep = 0x1p-6F;  ///< of the activation

/// A convolution with 3 channels, of which the second one is dead but for its bias.
struct Case {
  graph::Graph graph;
  std::vector<graph::Layer> layers;
  WeightCodes weights;
  ActivationScales activations;

  [[nodiscard]] quant::QuantizedTensor& codes() { return weights.begin()->second; }
  int raise() { return raise_scales_for_biases(graph, layers, activations, weights); }
};

Case dead_channel(quant::Symmetry symmetry, int bits) {
  testing::GraphBuilder builder("dead");
  const auto x = builder.input("x", {Dim::batch(), Dim::fixed(2), Dim::fixed(4), Dim::fixed(4)});
  Case made;
  made.graph = builder.finish({builder.conv("c", x, {.out = 3, .kernel = 1, .bias = true})});
  made.layers = graph::discover(made.graph).layers;
  const graph::Layer& layer = made.layers.front();
  const auto bias = made.graph.mutable_value(layer.bias).constant->mutable_data<float>();
  bias[0] = bias[1] = bias[2] = 0.25F;
  const quant::QuantParams params{.bits = BitWidth(bits),
                                  .symmetry = symmetry,
                                  .granularity = quant::Granularity::along(0),
                                  .scale = {0x1p-7F, 0x1p-40F, 0x1p-8F},
                                  .zero_point = std::vector<std::int32_t>(3, 1 << (bits - 1))};
  made.weights[made.graph.value(layer.weight).name] = {
      .params = params, .shape = {3, 2, 1, 1}, .codes = {0, 1, 0, 1, 1, 0}};
  made.activations[layer.activation] = kStep;
  return made;
}

TEST(RaiseScalesForBiases, LeavesInt32StepsForTheBiasOfADeadChannel) {
  Case dead = dead_channel(quant::Symmetry::Asymmetric, 4);
  EXPECT_EQ(dead.raise(), 1);
  const auto& scale = dead.codes().params.scale;
  EXPECT_EQ(scale[0], 0x1p-7F);
  EXPECT_EQ(scale[2], 0x1p-8F);
  EXPECT_LE(0.25F / (kStep * scale[1]), 0x1p30F);
  EXPECT_GE(0.25F / (kStep * scale[1]), 0x1p29F);
  // 7 and 8 steps below zero, of 2^-40, are less than half a new step.
  EXPECT_EQ(dead.codes().codes, (std::vector<std::uint8_t>{0, 1, 8, 8, 1, 0}));
  EXPECT_EQ(dead.raise(), 0) << "once is enough";
}

TEST(RaiseScalesForBiases, KeepsCodesWithoutALevelAtZero) {
  Case dead = dead_channel(quant::Symmetry::Symmetric, 1);
  EXPECT_EQ(dead.raise(), 1);
  EXPECT_EQ(dead.codes().codes, (std::vector<std::uint8_t>{0, 1, 0, 1, 1, 0}));
}

TEST(RaiseScalesForBiases, PutsNormalLevelsOfADeadChannelNextToZero) {
  for (const int bits : {2, 3, 4}) {
    for (const std::int32_t zero_point : {-32, 0, 28}) {
      Case dead = dead_channel(quant::Symmetry::Normal, bits);
      dead.codes().params.zero_point = {4, zero_point, 4};
      EXPECT_EQ(dead.raise(), 1);
      const quant::QuantParams& params = dead.codes().params;
      const Tensor weights = quant::dequantize(dead.codes());
      for (const std::size_t of_dead : {2, 3}) {
        EXPECT_LE(std::abs(weights.data<float>()[of_dead]), params.scale[1])
            << bits << " bits, zero point " << zero_point;
      }
      EXPECT_EQ(params.zero_point[0], 4);
      EXPECT_EQ(dead.codes().codes[1], 1);
    }
  }
}

TEST(RaiseScalesForBiases, ChangesNothingElse) {
  Case dead = dead_channel(quant::Symmetry::Asymmetric, 4);
  dead.graph.mutable_value(dead.layers.front().bias).constant->mutable_data<float>()[1] = 0.0F;
  EXPECT_EQ(dead.raise(), 0);
  Case float_input = dead_channel(quant::Symmetry::Asymmetric, 4);
  float_input.activations.clear();
  EXPECT_EQ(float_input.raise(), 0);
}

}  // namespace
}  // namespace ompq::rounding
