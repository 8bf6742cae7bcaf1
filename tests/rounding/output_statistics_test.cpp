#include "ompq/rounding/output_statistics.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ompq/core/random.h"
#include "ompq/graph/passes.h"
#include "ompq/rounding/quantize_weights.h"
#include "rounding/layer_cases.h"
#include "support/graph_builder.h"

namespace ompq::rounding {
namespace {

using graph::Dim;
using graph::Graph;
using ompq::testing::GraphBuilder;

TEST(ClippedNormalMean, EqualsTheMeanOfManyDraws) {
  Random random(5);
  for (const double mean : {-1.0, 0.3, 5.5}) {
    double sum = 0.0;
    constexpr int kDraws = 400'000;
    for (int i = 0; i < kDraws; ++i) {
      sum += std::clamp(mean + 1.5 * random.normal(), 0.0, 6.0);
    }
    // Four standard errors of the sample's mean.
    EXPECT_NEAR(clipped_normal_mean(mean, 1.5, 6.0), sum / kDraws, 4 * 1.5 / std::sqrt(kDraws));
  }
  EXPECT_NEAR(clipped_normal_mean(0.0, 1.0, std::numeric_limits<double>::infinity()),
              1.0 / std::sqrt(2.0 * 3.14159265358979),
              1e-9);
  EXPECT_EQ(clipped_normal_mean(7.0, 0.0, 6.0), 6.0);
}

/// Mean and variance of each channel of rows of outputs.
OutputStatistics statistics_of(const std::vector<std::vector<double>>& rows) {
  const std::size_t channels = rows.front().size();
  OutputStatistics sums{std::vector<double>(channels, 0.0), std::vector<double>(channels, 0.0)};
  const auto count = static_cast<double>(rows.size());
  for (const auto& row : rows) {
    for (std::size_t c = 0; c < channels; ++c) sums.mean[c] += row[c] / count;
  }
  for (const auto& row : rows) {
    for (std::size_t c = 0; c < channels; ++c) {
      sums.variance[c] += std::pow(row[c] - sums.mean[c], 2) / count;
    }
  }
  return sums;
}

void expect_near(const OutputStatistics& got, const OutputStatistics& expected) {
  ASSERT_EQ(got.mean.size(), expected.mean.size());
  for (std::size_t c = 0; c < got.mean.size(); ++c) {
    const double deviation = std::sqrt(expected.variance[c]);
    EXPECT_NEAR(got.mean[c], expected.mean[c], 1e-3 * deviation) << c;
    EXPECT_NEAR(got.variance[c], expected.variance[c], 1e-3 * expected.variance[c]) << c;
  }
}

class StatisticsTest : public ::testing::TestWithParam<cases::LayerCase> {};

TEST_P(StatisticsTest, AreThoseOfTheLayersOutputs) {
  const cases::OneLayer one(GetParam().make(), 48, 0.2);
  const std::vector<float> none(static_cast<std::size_t>(one.layer.out_channels), 0.0F);
  const Tensor& weight = *one.graph.value(one.layer.weight).constant;
  expect_near(float_statistics(one.graph, one.layer, one.inputs(), {}),
              statistics_of(one.outputs(*one.x, weight, none)));
  const auto codes = quantize_weight(one.graph, one.layer, BitWidth(3));
  expect_near(quantized_statistics(one.graph, one.layer, codes, one.inputs(), {}),
              statistics_of(one.outputs(*one.z, quant::dequantize(codes), none)));
}

INSTANTIATE_TEST_SUITE_P(Layers,
                         StatisticsTest,
                         ::testing::ValuesIn(cases::layer_cases()),
                         [](const auto& tested) { return tested.param.name; });

TEST(CorrectedBias, MovesByTheDifferenceOfTheMeans) {
  const OutputStatistics exact{.mean = {1.0, -2.0}, .variance = {1.0, 1.0}};
  const OutputStatistics quantized{.mean = {0.5, -1.0}, .variance = {1.0, 1.0}};
  EXPECT_EQ(corrected_bias({10.0F, 20.0F}, exact, quantized), (std::vector<float>{10.5F, 19.0F}));
}

TEST(ReestimateScales, RestoresTheVarianceAndSkipsSmallChanges) {
  quant::QuantizedTensor codes{.params = {.bits = BitWidth(3),
                                          .granularity = quant::Granularity::along(0),
                                          .scale = {1.0F, 1.0F, 1.0F},
                                          .zero_point = {0, 0, 0}},
                               .shape = {3, 1},
                               .codes = {1, 1, 1}};
  const OutputStatistics exact{.mean = {0, 0, 0}, .variance = {4.0, 1.01, 0.0}};
  const OutputStatistics quantized{.mean = {0, 0, 0}, .variance = {1.0, 1.0, 1.0}};
  EXPECT_EQ(reestimate_scales(exact, quantized, codes), 1);
  EXPECT_EQ(codes.params.scale, (std::vector<float>{2.0F, 1.0F, 1.0F}));
}

TEST(AnalyticBiases, UseTheStatisticsOfTheFoldedNorm) {
  GraphBuilder b("norm", 4);
  auto x = b.input("x", {Dim{1, true}, Dim{3}, Dim{6}, Dim{6}});
  x = b.relu("r", b.norm("bn", b.conv("a", x, {.out = 5, .kernel = 3})));
  Graph graph = b.finish({b.conv("c", x, {.out = 4, .bias = true})});
  (void)graph::fold_batch_norms(graph);
  const auto layers = graph::discover(graph).layers;
  Graph rounded = graph;
  const auto codes =
      quantize_weights(rounded, layers, std::vector<BitWidth>(layers.size(), BitWidth(2)));
  const NewBiases biases = analytic_biases(graph, layers, codes);
  // The first layer reads the samples, whose distribution is not known.
  ASSERT_EQ(biases.size(), 1U);
  const std::string name = graph.value(layers[1].bias).name;
  const auto& attributes = graph.node(layers[0].node).attributes;
  const auto& shift =
      std::get<std::vector<float>>(attributes.at(std::string(graph::kNormMeanAttribute)));
  const auto& spread =
      std::get<std::vector<float>>(attributes.at(std::string(graph::kNormDeviationAttribute)));
  const auto exact = graph.value(layers[1].weight).constant->to_floats();
  const auto coarse = quant::dequantize(codes.at(graph.value(layers[1].weight).name)).to_floats();
  const auto bias = graph.value(layers[1].bias).constant->to_floats();
  for (std::size_t o = 0; o < 4; ++o) {
    double wanted = bias[o];
    for (std::size_t i = 0; i < 5; ++i) {
      wanted += (static_cast<double>(exact[o * 5 + i]) - coarse[o * 5 + i]) *
                clipped_normal_mean(shift[i], spread[i], std::numeric_limits<double>::infinity());
    }
    EXPECT_NEAR(biases.at(name)[o], wanted, 1e-5);
  }
}

}  // namespace
}  // namespace ompq::rounding
