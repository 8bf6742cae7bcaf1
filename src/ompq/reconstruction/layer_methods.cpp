#include "ompq/reconstruction/layer_methods.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <utility>

#include "ompq/rounding/output_statistics.h"

namespace ompq::reconstruction {
namespace {

double decibels(double ratio) { return 10.0 * std::log10(ratio); }

}  // namespace

void compensate_layer(const LayerCodes& given,
                      const rounding::GptqOptions& options,
                      BlockState& state) {
  const auto begin = std::chrono::steady_clock::now();
  const graph::Layer& layer = given.layer;
  rounding::CompensatedWeight found =
      rounding::compensate(given.graph, layer, given.codes, given.inputs, options);
  const double signal = std::max(found.signal, 1e-300);
  state.report.loss_before = found.error_nearest / signal;
  state.report.loss_after = found.error / signal;
  state.report.snr_before_db = decibels(signal / std::max(found.error_nearest, 1e-300));
  state.report.snr_after_db = decibels(signal / std::max(found.error, 1e-300));
  state.codes.emplace(given.graph.value(layer.weight).name, std::move(found.codes));
  if (found.bias) {
    state.biases.emplace(given.graph.value(layer.bias).name, found.bias->to_floats());
  }
  const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - begin;
  state.report.seconds = elapsed.count();
}

void restore_layer(const LayerCodes& given, const Restoration& options, BlockState& state) {
  const graph::Layer& layer = given.layer;
  quant::QuantizedTensor codes = given.codes;
  const rounding::OutputStatistics exact =
      rounding::float_statistics(given.graph, layer, given.inputs, options.moments);
  rounding::OutputStatistics quantized =
      rounding::quantized_statistics(given.graph, layer, codes, given.inputs, options.moments);
  if (options.spreads && rounding::reestimate_scales(exact, quantized, codes) > 0) {
    state.codes.emplace(given.graph.value(layer.weight).name, codes);
    quantized =
        rounding::quantized_statistics(given.graph, layer, codes, given.inputs, options.moments);
  }
  if (options.means && layer.bias != graph::kNoValue && layer.bias_count == layer.out_channels) {
    const graph::Value& bias = given.graph.value(layer.bias);
    state.biases.emplace(bias.name,
                         rounding::corrected_bias(bias.constant->to_floats(), exact, quantized));
  }
}

}  // namespace ompq::reconstruction
