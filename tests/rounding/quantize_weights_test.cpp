#include "ompq/rounding/quantize_weights.h"

#include <algorithm>
#include <cmath>

#include <gtest/gtest.h>

#include "ompq/core/error.h"
#include "ompq/quant/short_scale.h"
#include "support/graph_builder.h"

namespace ompq::rounding {
namespace {

graph::Graph network() {
  testing::GraphBuilder builder("network");
  const auto x = builder.input(
      "input",
      {graph::Dim::batch(), graph::Dim::fixed(4), graph::Dim::fixed(8), graph::Dim::fixed(8)});
  const auto up =
      builder.conv_transpose("up", x, {.out = 6, .kernel = 2, .stride = 2, .pads = {0, 0, 0, 0}});
  const auto pooled = builder.flatten("flatten", builder.global_average_pool("pool", up));
  return builder.finish({builder.gemm("fc", pooled, 5)});
}

TEST(QuantizeWeights, EveryWeightIsWithinHalfAStepOfItsCodeInsideTheRange) {
  graph::Graph graph = network();
  const auto layers = graph::discover(graph).layers;
  ASSERT_EQ(layers.size(), 2U);
  for (const auto& layer : layers) {
    const auto codes = quantize_weight(
        graph,
        layer,
        BitWidth(4),
        {.symmetry = quant::Symmetry::Asymmetric, .range = quant::RangeMethod::MinMax});
    const auto channels =
        graph.value(layer.weight).constant->shape()[static_cast<std::size_t>(layer.weight_axis)];
    EXPECT_EQ(static_cast<std::int64_t>(codes.params.scale.size()), channels) << layer.name;
    const Tensor real = quant::dequantize(codes);
    const auto weight = graph.value(layer.weight).constant->data<float>();
    const float step = *std::ranges::max_element(codes.params.scale);
    for (std::size_t i = 0; i < weight.size(); ++i) {
      // Half a step from rounding the value, half a step from rounding the zero point.
      ASSERT_LE(std::abs(real.data<float>()[i] - weight[i]), step * 1.0001F)
          << layer.name << " " << i;
    }
  }
}

TEST(QuantizeWeights, PutsIntoTheGraphWhatTheCodesStandFor) {
  graph::Graph graph = network();
  const auto layers = graph::discover(graph).layers;
  const auto codes = quantize_weights(graph, layers, {BitWidth(2), BitWidth(8)});
  for (const auto& layer : layers) {
    const auto& value = graph.value(layer.weight);
    EXPECT_TRUE(value.constant->equals(quant::dequantize(codes.at(value.name)))) << layer.name;
  }
  EXPECT_EQ(codes.at(graph.value(layers[0].weight).name).params.bits, BitWidth(2));
}

TEST(QuantizeWeights, TakesAShortScaleThatLosesNoMoreThanTheNearestOrTheNextAbove) {
  graph::Graph graph = network();
  const auto squared_error = [](const Tensor& exact, const quant::QuantizedTensor& codes) {
    const Tensor real = quant::dequantize(codes);
    double error = 0.0;
    for (std::size_t i = 0; i < exact.data<float>().size(); ++i) {
      error += std::pow(static_cast<double>(exact.data<float>()[i]) - real.data<float>()[i], 2.0);
    }
    return error;
  };
  for (const auto& layer : graph::discover(graph).layers) {
    const Tensor& weight = *graph.value(layer.weight).constant;
    for (const int bits : {2, 4, 8}) {
      const auto codes =
          quantize_weight(graph,
                          layer,
                          BitWidth(bits),
                          {.symmetry = quant::Symmetry::Asymmetric, .target = "exact"});
      for (const float scale : codes.params.scale) {
        EXPECT_EQ(quant::short_scale(scale, quant::Snap::Nearest), scale);
      }
      for (const quant::Snap snap : {quant::Snap::Nearest, quant::Snap::Up}) {
        quant::QuantParams params =
            quant::choose_qparams(weight,
                                  {.bits = BitWidth(bits),
                                   .symmetry = quant::Symmetry::Asymmetric,
                                   .granularity = quant::Granularity::along(layer.weight_axis),
                                   .method = quant::RangeMethod::ErrorSearch});
        quant::shorten_scales(params, snap);
        EXPECT_LE(squared_error(weight, codes),
                  squared_error(weight, quant::quantize(weight, params)))
            << layer.name << " at " << bits << " bits";
      }
    }
  }
}

TEST(QuantizeWeights, RefusesAnotherNumberOfWidths) {
  graph::Graph graph = network();
  const auto layers = graph::discover(graph).layers;
  EXPECT_THROW(quantize_weights(graph, layers, {BitWidth(2)}), ConfigError);
}

}  // namespace
}  // namespace ompq::rounding
