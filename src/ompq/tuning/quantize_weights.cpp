#include "ompq/tuning/quantize_weights.h"

#include <fmt/format.h>

#include "ompq/core/error.h"
#include "ompq/quant/short_scale.h"

namespace ompq::tuning {

quant::QuantizedTensor quantize_weight(const graph::Graph& graph,
                                       const graph::Layer& layer,
                                       BitWidth bits,
                                       const WeightOptions& options) {
  const Tensor& weight = *graph.value(layer.weight).constant;
  quant::QuantParams params =
      quant::choose_qparams(weight,
                            {.bits = bits,
                             .symmetry = options.symmetry,
                             .granularity = quant::Granularity::along(layer.weight_axis),
                             .method = options.range});
  quant::shorten_scales(params, quant::Snap::Nearest);
  return quant::quantize(weight, params);
}

std::map<std::string, quant::QuantizedTensor> quantize_weights(
    graph::Graph& graph,
    const std::vector<graph::Layer>& layers,
    const std::vector<BitWidth>& bits,
    const WeightOptions& options) {
  if (layers.size() != bits.size()) {
    throw ConfigError("tuning",
                      fmt::format("{} widths for {} layers; one each", bits.size(), layers.size()));
  }
  std::map<std::string, quant::QuantizedTensor> quantized;
  for (std::size_t l = 0; l < layers.size(); ++l) {
    graph::Value& weight = graph.mutable_value(layers[l].weight);
    // A weight that several layers share is quantized once; ties give them one width.
    if (quantized.contains(weight.name)) continue;
    quant::QuantizedTensor codes = quantize_weight(graph, layers[l], bits[l], options);
    weight.constant = quant::dequantize(codes);
    quantized.emplace(weight.name, std::move(codes));
  }
  return quantized;
}

void round_biases(graph::Graph& graph,
                  const std::vector<graph::Layer>& layers,
                  const std::map<std::string, quant::QuantizedTensor>& weights,
                  const ActivationScales& activations) {
  for (const graph::Layer& layer : layers) {
    const auto activation = activations.find(layer.input);
    if (layer.bias == graph::kNoValue || activation == activations.end()) continue;
    const auto& scales = weights.at(graph.value(layer.weight).name).params.scale;
    Tensor bias = *graph.value(layer.bias).constant;
    const auto values = bias.mutable_data<float>();
    for (std::size_t c = 0; c < values.size(); ++c) {
      const float step = activation->second * scales[c % scales.size()];
      values[c] = quant::short_bias(values[c], step);
    }
    graph.mutable_value(layer.bias).constant = std::move(bias);
  }
}

}  // namespace ompq::tuning
