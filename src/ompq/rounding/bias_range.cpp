#include "ompq/rounding/bias_range.h"

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "ompq/quant/grid.h"
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
  const quant::Grid before = quant::grid_of(params, c);
  params.scale[c] = scale;
  if (quant::level_shift(params) > 0.0F) return;  // no level at zero; the nearest are the same
  if (before.set != nullptr) {
    // The zero point that puts a level next to zero, where the weights are now.
    const float smallest = before.set->level.at(before.set->count / 2);
    const auto step = static_cast<float>(quant::kNormalShiftStep);
    params.zero_point[c] =
        quant::kNormalShiftStep * static_cast<std::int32_t>(std::lround(smallest / step));
  }
  const quant::Grid after = quant::grid_of(params, c);
  const float ratio = before.scale / scale;
  const auto rescaled = [&](std::uint8_t code) {
    const float wanted = quant::level_of_code(code, before) * ratio;
    return quant::code_of_level(quant::nearest_level(wanted, after), after);
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
