#include "ompq/rounding/bias_range.h"

#include <cmath>
#include <cstdint>

#include "ompq/quant/short_scale.h"
#include "ompq/rounding/scale_range.h"

namespace ompq::rounding {
namespace {

/// Leaves as much for the sum of products in int32.
constexpr float kMostSteps = 0x1p30F;

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
      rescale_channel(
          weight->second, static_cast<std::int64_t>(c), quant::short_scale(least, quant::Snap::Up));
      ++changed;
    }
  }
  return changed;
}

}  // namespace ompq::rounding
