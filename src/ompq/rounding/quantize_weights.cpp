#include "ompq/rounding/quantize_weights.h"

#include <fmt/format.h>

#include "ompq/core/error.h"
#include "ompq/quant/levels.h"
#include "ompq/quant/short_scale.h"
#include "ompq/quant/slices.h"

namespace ompq::rounding {
namespace {

/// Squared error of each slice with its own scale.
std::vector<double> slice_errors(const Tensor& weight, const quant::QuantizedTensor& codes) {
  const Tensor rounded = quant::dequantize(codes);
  const auto exact = weight.data<float>();
  const auto real = rounded.data<float>();
  const quant::Slices slices = quant::slices_of(weight.shape(), codes.params.granularity);
  std::vector<double> errors(codes.params.scale.size(), 0.0);
  for (std::size_t i = 0; i < exact.size(); ++i) {
    const std::int64_t slice = slices.of(static_cast<std::int64_t>(i));
    const double error = static_cast<double>(exact[i]) - real[i];
    errors[static_cast<std::size_t>(slice)] += error * error;
  }
  return errors;
}

/// Short scales: for each slice the nearest one or the next above, whichever has the smaller error.
/// A scale rounded down clips the largest weights, which at many bits causes a larger error than a
/// coarser scale, and systematically reduces the layer's output, which accumulates over layers.
quant::QuantizedTensor quantize_short(const Tensor& weight, const quant::QuantParams& params) {
  quant::QuantParams nearest = params;
  quant::QuantParams above = params;
  quant::shorten_scales(nearest, quant::Snap::Nearest);
  quant::shorten_scales(above, quant::Snap::Up);
  quant::QuantizedTensor codes = quant::quantize(weight, nearest);
  if (nearest.scale == above.scale) return codes;
  const auto errors = slice_errors(weight, codes);
  const auto errors_above = slice_errors(weight, quant::quantize(weight, above));
  for (std::size_t s = 0; s < errors.size(); ++s) {
    if (errors_above[s] < errors[s]) nearest.scale[s] = above.scale[s];
  }
  quant::shorten_scales(nearest, quant::Snap::Nearest);  // the largest may have grown
  return quant::quantize(weight, nearest);
}

}  // namespace

quant::Symmetry symmetry_of(const WeightOptions& options, BitWidth bits) {
  if (targets::target(options.target).needs_symmetric(bits)) return quant::Symmetry::Symmetric;
  const quant::Symmetry symmetry = quant::weight_symmetry(options.symmetry, bits);
  const bool supported = targets::target(options.target).supports_normal_levels();
  return symmetry == quant::Symmetry::Normal && !supported ? quant::Symmetry::Asymmetric : symmetry;
}

std::array<int, kMaxBits + 1> zero_point_bits(const WeightOptions& options) {
  std::array<int, kMaxBits + 1> bits{};
  for (int width = kMinBits; width <= kMaxBits; ++width) {
    int& own = bits.at(static_cast<std::size_t>(width));
    const quant::Symmetry symmetry = symmetry_of(options, BitWidth(width));
    if (symmetry == quant::Symmetry::Asymmetric) own = width;
    if (symmetry == quant::Symmetry::Normal) own = quant::kNormalShiftBits;
  }
  return bits;
}

quant::Granularity granularity_of(const graph::Layer& layer) {
  return quant::Granularity::along(layer.weight_axis, layer.stacked_axes);
}

quant::QuantizedTensor quantize_weight(const graph::Graph& graph,
                                       const graph::Layer& layer,
                                       BitWidth bits,
                                       const WeightOptions& options) {
  const Tensor& weight = *graph.value(layer.weight).constant;
  const quant::QuantParams params = quant::choose_qparams(weight,
                                                          {.bits = bits,
                                                           .symmetry = symmetry_of(options, bits),
                                                           .granularity = granularity_of(layer),
                                                           .method = options.range});
  return quantize_short(weight, params);
}

std::map<std::string, quant::QuantizedTensor> quantize_weights(
    graph::Graph& graph,
    const std::vector<graph::Layer>& layers,
    const std::vector<BitWidth>& bits,
    const WeightOptions& options) {
  if (layers.size() != bits.size()) {
    throw ConfigError(
        "rounding",
        fmt::format("got {} widths for {} layers; give one each", bits.size(), layers.size()));
  }
  std::map<std::string, quant::QuantizedTensor> quantized;
  for (std::size_t l = 0; l < layers.size(); ++l) {
    graph::Value& weight = graph.mutable_value(layers[l].weight);
    // A weight shared by several layers is quantized once; ties give them the same width.
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
    const auto activation = activations.find(layer.activation);
    if (layer.bias == graph::kNoValue || activation == activations.end()) continue;
    const auto& scales = weights.at(graph.value(layer.weight).name).params.scale;
    Tensor bias = *graph.value(layer.bias).constant;
    quant::round_biases(bias.mutable_data<float>(), activation->second, scales);
    graph.mutable_value(layer.bias).constant = std::move(bias);
  }
}

}  // namespace ompq::rounding
