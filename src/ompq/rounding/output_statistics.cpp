#include "ompq/rounding/output_statistics.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include <fmt/format.h>

#include "ompq/core/error.h"
#include "ompq/graph/operator_traits.h"
#include "ompq/graph/passes.h"
#include "ompq/quant/short_scale.h"

namespace ompq::rounding {
namespace {

/// Mean and variance of w z for each row of a weight: w m and w (S - m m^T) w^T.
OutputStatistics statistics_of(const graph::Layer& layer,
                               std::span<const float> weight,
                               const std::vector<InputMoments>& moments) {
  const std::int64_t rows = layer.out_channels / layer.groups;
  const std::int64_t columns = layer.weight_count / layer.out_channels;
  const bool turned = layer.weight_axis == 1;
  const auto channels = static_cast<std::size_t>(layer.out_channels);
  OutputStatistics found{std::vector<double>(channels, 0.0), std::vector<double>(channels, 0.0)};
  for (const InputMoments& part : moments) {
    const std::int64_t k = part.second.rows;
    DenseMatrix w(rows, k);
    for (std::int64_t r = 0; r < rows; ++r) {
      for (std::int64_t j = 0; j < k; ++j) {
        const std::int64_t column = part.begin + j;
        const std::int64_t at =
            turned ? column * rows + r : (part.group * rows + r) * columns + column;
        w.at(r, j) = weight[static_cast<std::size_t>(at)];
      }
    }
    DenseMatrix second = part.second;
    DenseMatrix products(rows, k);
    multiply(Turned::No, Turned::No, 1.0F, w.view(), second.view(), 0.0F, products.view());
    for (std::int64_t r = 0; r < rows; ++r) {
      const auto channel = static_cast<std::size_t>(part.group * rows + r);
      double mean = 0.0;
      double energy = 0.0;
      for (std::int64_t j = 0; j < k; ++j) {
        mean += static_cast<double>(w.at(r, j)) * part.z_mean[static_cast<std::size_t>(j)];
        energy += static_cast<double>(w.at(r, j)) * products.at(r, j);
      }
      found.mean[channel] += mean;
      found.variance[channel] += std::max(energy - mean * mean, 0.0);
    }
  }
  return found;
}

/// Means of the layer's input channels, if a folded norm gives them.
std::vector<double> known_means(const graph::Graph& graph, const graph::Layer& layer) {
  graph::NodeId maker = graph.producer(layer.input);
  if (maker == graph::kNoNode) return {};
  const auto bounds = graph::bounds_of(graph, graph.node(maker));
  const bool cut = bounds.has_value();
  const double bound = cut ? bounds->high : std::numeric_limits<double>::infinity();
  if (cut) {
    if (bounds->low != 0.0F) return {};
    maker = graph.producer(graph.node(maker).input(0));
  }
  if (maker == graph::kNoNode) return {};
  const auto& attributes = graph.node(maker).attributes;
  const auto mean = attributes.find(std::string(graph::kNormMeanAttribute));
  const auto deviation = attributes.find(std::string(graph::kNormDeviationAttribute));
  if (mean == attributes.end() || deviation == attributes.end()) return {};
  const auto& shifts = std::get<std::vector<float>>(mean->second);
  const auto& spreads = std::get<std::vector<float>>(deviation->second);
  std::vector<double> means;
  for (std::size_t c = 0; c < shifts.size(); ++c) {
    means.push_back(cut ? clipped_normal_mean(shifts[c], spreads[c], bound) : shifts[c]);
  }
  return means;
}

}  // namespace

NewBiases analytic_biases(const graph::Graph& graph,
                          const std::vector<graph::Layer>& layers,
                          const WeightCodes& codes) {
  NewBiases biases;
  for (const graph::Layer& layer : layers) {
    const auto found = codes.find(graph.value(layer.weight).name);
    const bool fits = layer.op_type == "Conv" && layer.bias != graph::kNoValue;
    const std::vector<double> means =
        fits && found != codes.end() ? known_means(graph, layer) : std::vector<double>{};
    if (means.empty()) continue;
    const auto shape = graph.value(layer.weight).constant->shape();
    const std::int64_t inner = layer.weight_count / layer.out_channels;
    const std::int64_t taps = inner / shape[1];
    const auto exact = graph.value(layer.weight).constant->data<float>();
    const Tensor rounded = quant::dequantize(found->second);
    std::vector<float> bias = graph.value(layer.bias).constant->to_floats();
    std::vector<double> shift(bias.size(), 0.0);
    for (std::size_t i = 0; i < exact.size(); ++i) {
      const auto at = static_cast<std::int64_t>(i);
      const std::int64_t out = at / inner;
      const std::int64_t group = out / (layer.out_channels / layer.groups);
      const std::int64_t channel = group * shape[1] + at % inner / taps;
      shift[static_cast<std::size_t>(out)] +=
          (static_cast<double>(exact[i]) - rounded.data<float>()[i]) *
          means.at(static_cast<std::size_t>(channel));
    }
    for (std::size_t c = 0; c < bias.size(); ++c) bias[c] += static_cast<float>(shift[c]);
    biases.emplace(graph.value(layer.bias).name, std::move(bias));
  }
  return biases;
}

OutputStatistics float_statistics(const graph::Graph& graph,
                                  const graph::Layer& layer,
                                  const LayerInputs& inputs,
                                  const MomentOptions& options) {
  const LayerInputs exact{.exact = inputs.exact, .quantized = inputs.exact};
  const Tensor& weight = *graph.value(layer.weight).constant;
  return statistics_of(layer, weight.data<float>(), input_moments(graph, layer, exact, options));
}

OutputStatistics quantized_statistics(const graph::Graph& graph,
                                      const graph::Layer& layer,
                                      const quant::QuantizedTensor& codes,
                                      const LayerInputs& inputs,
                                      const MomentOptions& options) {
  const Tensor weight = quant::dequantize(codes);
  return statistics_of(layer, weight.data<float>(), input_moments(graph, layer, inputs, options));
}

std::vector<float> corrected_bias(std::vector<float> bias,
                                  const OutputStatistics& exact,
                                  const OutputStatistics& quantized) {
  if (bias.size() != exact.mean.size() || bias.size() != quantized.mean.size()) {
    throw ShapeError(
        "bias correction",
        fmt::format("got {} biases for {} and {} output channels; the numbers must be equal",
                    bias.size(),
                    exact.mean.size(),
                    quantized.mean.size()));
  }
  for (std::size_t c = 0; c < bias.size(); ++c) {
    bias[c] += static_cast<float>(exact.mean[c] - quantized.mean[c]);
  }
  return bias;
}

int reestimate_scales(const OutputStatistics& exact,
                      const OutputStatistics& quantized,
                      quant::QuantizedTensor& codes) {
  int changed = 0;
  // A weight with fewer scales than channels (a grouped transposed convolution) is not changed.
  if (codes.params.scale.size() != exact.variance.size()) return changed;
  for (std::size_t c = 0; c < exact.variance.size(); ++c) {
    if (!(exact.variance[c] > 0.0) || !(quantized.variance[c] > 0.0)) continue;
    constexpr double kMostChange = 4.0;  // larger changes cannot be corrected by scales
    const double ratio = std::clamp(
        std::sqrt(exact.variance[c] / quantized.variance[c]), 1.0 / kMostChange, kMostChange);
    float& scale = codes.params.scale[c];
    const float next = quant::short_scale(static_cast<float>(scale * ratio), quant::Snap::Nearest);
    changed += next != scale ? 1 : 0;
    scale = next;
  }
  return changed;
}

double clipped_normal_mean(double mean, double deviation, double bound) {
  if (!(deviation > 0.0)) return std::clamp(mean, 0.0, bound);
  const auto density = [](double x) {
    return std::exp(-0.5 * x * x) / std::sqrt(2.0 * std::numbers::pi);
  };
  const auto below = [](double x) { return 0.5 * std::erfc(-x / std::numbers::sqrt2); };
  const double low = -mean / deviation;
  if (std::isinf(bound)) return deviation * density(low) + mean * (1.0 - below(low));
  const double high = (bound - mean) / deviation;
  return deviation * (density(low) - density(high)) + mean * (below(high) - below(low)) +
         bound * (1.0 - below(high));
}

}  // namespace ompq::rounding
