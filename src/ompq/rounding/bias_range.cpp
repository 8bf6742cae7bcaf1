#include "ompq/rounding/bias_range.h"

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "ompq/quant/levels.h"
#include "ompq/quant/short_scale.h"
#include "ompq/quant/slices.h"

namespace ompq::rounding {
namespace {

/// Leaves as much for the sum of products in int32.
constexpr float kMostSteps = 0x1p30F;

void rescale(quant::QuantizedTensor& weight, std::int64_t channel, float scale) {
  quant::QuantParams& params = weight.params;
  const auto c = static_cast<std::size_t>(channel);
  const float ratio = params.scale[c] / scale;
  params.scale[c] = scale;
  if (quant::level_shift(params) > 0.0F) return;  // no level at zero; the nearest are the same
  const std::int32_t zero = params.zero_point[c];
  const auto rescaled = [&](std::uint8_t code) {
    const auto level = static_cast<float>(static_cast<std::int32_t>(code) - zero);
    const auto moved = static_cast<std::int32_t>(std::nearbyint(level * ratio)) + zero;
    return static_cast<std::uint8_t>(std::clamp(moved, 0, params.bits.levels() - 1));
  };
  const quant::Slices slices = quant::slices_of(weight.shape, params.granularity);
  quant::for_each_run(slices, [&](std::int64_t slice, std::int64_t at, std::int64_t count) {
    if (slice != channel) return;
    const auto begin = weight.codes.begin() + at;
    std::transform(begin, begin + count, begin, rescaled);
  });
}

}  // namespace

int raise_scales_for_biases(const graph::Graph& graph,
                            const std::vector<graph::Layer>& layers,
                            const ActivationScales& activations,
                            WeightCodes& weights) {
  int changed = 0;
  for (const graph::Layer& layer : layers) {
    const auto weight = weights.find(graph.value(layer.weight).name);
    const auto activation = activations.find(layer.activation);
    if (layer.bias == graph::kNoValue || weight == weights.end() ||
        activation == activations.end() || !graph.is_constant(layer.bias)) {
      continue;
    }
    const auto bias = graph.value(layer.bias).constant->to_floats();
    const std::vector<float>& scales = weight->second.params.scale;
    if (bias.size() != scales.size()) continue;
    for (std::size_t c = 0; c < bias.size(); ++c) {
      const float least = std::abs(bias[c]) / activation->second / kMostSteps;
      if (!(least > scales[c])) continue;
      rescale(
          weight->second, static_cast<std::int64_t>(c), quant::short_scale(least, quant::Snap::Up));
      ++changed;
    }
  }
  return changed;
}

}  // namespace ompq::rounding
