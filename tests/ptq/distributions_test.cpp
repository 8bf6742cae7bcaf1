#include "ompq/ptq/distributions.h"

#include <algorithm>
#include <numeric>

#include <gtest/gtest.h>

#include "pipeline/small_model.h"

namespace ompq::ptq {
namespace {

constexpr std::int64_t kDistributionSamples = 16;

double total(const report::Histogram& distribution) {
  return std::accumulate(distribution.counts.begin(), distribution.counts.end(), 0.0);
}

class Distributions : public ::testing::Test {
 protected:
  std::vector<report::Histogram> of(const std::vector<int>& weight_bits, int activation_bits) {
    const auto& layers = model.discovery.layers;
    pipeline::Samples samples = pipeline::small_samples(kDistributionSamples);
    rounding::ActivationHistograms histograms;
    const auto quantizers = rounding::calibrate_activations(
        model.graph,
        layers,
        std::vector<BitWidth>(layers.size(), BitWidth(activation_bits)),
        *samples.dataset,
        samples.indices,
        {},
        {},
        &histograms);
    network = pipeline::quantize_network(model, weight_bits, quantizers, {});
    return distributions(model, network, quantizers, histograms);
  }

  std::vector<int> all(int bits) const {
    return std::vector<int>(model.discovery.layers.size(), bits);
  }

  pipeline::Model model = pipeline::small_model();
  pipeline::QuantizedNetwork network;
};

TEST_F(Distributions, CountEveryValueOfEveryLayersWeightAndInput) {
  const auto found = of(all(4), 8);
  const auto& layers = model.discovery.layers;
  ASSERT_EQ(found.size(), 2 * layers.size());
  for (std::size_t l = 0; l < layers.size(); ++l) {
    const auto& weight = found[2 * l];
    const auto& input = found[2 * l + 1];
    EXPECT_EQ(weight.layer, layers[l].name);
    EXPECT_EQ(weight.kind, "weight");
    EXPECT_EQ(total(weight), static_cast<double>(layers[l].weight_count)) << weight.layer;
    EXPECT_EQ(input.layer, layers[l].name);
    EXPECT_EQ(input.kind, "activation");
    const auto count = graph::element_count(*model.graph.value(layers[l].input).shape);
    ASSERT_TRUE(count);
    const auto values = count->at(kDistributionSamples);
    EXPECT_EQ(total(input), static_cast<double>(values)) << input.layer;
  }
}

TEST_F(Distributions, HaveAscendingEdgesAroundAtMost64Bins) {
  for (const auto& distribution : of(all(3), 4)) {
    EXPECT_LE(distribution.counts.size(), 64u);
    ASSERT_EQ(distribution.edges.size(), distribution.counts.size() + 1);
    EXPECT_TRUE(std::is_sorted(distribution.edges.begin(), distribution.edges.end()));
    EXPECT_GT(distribution.counts.front(), 0) << distribution.layer;
    EXPECT_GT(distribution.counts.back(), 0) << distribution.layer;
  }
}

TEST_F(Distributions, SayTheWidestRangeThatTheCodesReach) {
  for (const auto& distribution : of(all(2), 8)) {
    if (distribution.kind != "weight") continue;
    const auto& layers = model.discovery.layers;
    const auto layer = std::ranges::find(layers, distribution.layer, &graph::Layer::name);
    const auto& codes = network.weights.at(model.graph.value(layer->weight).name);
    const Tensor reached = quant::dequantize(codes);
    const auto [min, max] = std::ranges::minmax(reached.data<float>());
    const double rounding = 1e-6 * (distribution.high - distribution.low);
    EXPECT_LE(distribution.low, min + rounding) << distribution.layer;
    EXPECT_GE(distribution.high, max - rounding) << distribution.layer;
  }
}

TEST_F(Distributions, LeaveOutWhatStaysFloat) {
  auto bits = all(4);
  bits[2] = allocation::kFloatBits;
  const auto found = of(bits, 8);
  const auto weights = std::ranges::count(found, std::string("weight"), &report::Histogram::kind);
  EXPECT_EQ(static_cast<std::size_t>(weights), model.discovery.layers.size() - 1);
}

}  // namespace
}  // namespace ompq::ptq
