#include "ompq/rounding/scale_range.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "ompq/quant/grid.h"
#include "ompq/quant/levels.h"
#include "ompq/quant/short_scale.h"
#include "ompq/quant/slices.h"

namespace ompq::rounding {
namespace {

/// By channel: true if a weight is not zero.
std::vector<bool> channels_with_weights(const quant::QuantizedTensor& weight) {
  std::vector<bool> found(weight.params.scale.size(), false);
  const quant::Slices slices = quant::slices_of(weight.shape, weight.params.granularity);
  quant::for_each_run(slices, [&](std::int64_t slice, std::int64_t at, std::int64_t count) {
    const auto channel = static_cast<std::size_t>(slice);
    const quant::Grid grid = quant::grid_of(weight.params, channel);
    const auto begin = weight.codes.begin() + at;
    found[channel] = found[channel] || std::any_of(begin, begin + count, [&](std::uint8_t code) {
                       return quant::level_of_code(code, grid) != 0.0F;
                     });
  });
  return found;
}

}  // namespace

void rescale_channel(quant::QuantizedTensor& weight, std::int64_t channel, float scale) {
  quant::QuantParams& params = weight.params;
  const auto c = static_cast<std::size_t>(channel);
  const quant::Grid before = quant::grid_of(params, c);
  params.scale[c] = scale;
  if (quant::level_shift(params) > 0.0F) return;  // no level at zero; the nearest are the same
  if (before.set != nullptr) params.zero_point[c] = quant::zero_point_at_level(params.bits);
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

int narrow_scales(quant::QuantizedTensor& weight) {
  std::vector<float>& scales = weight.params.scale;
  if (quant::encode_scales(scales)) return 0;
  const std::vector<bool> used = channels_with_weights(weight);
  float largest = 0.0F;
  for (std::size_t c = 0; c < scales.size(); ++c) {
    if (used[c]) largest = std::max(largest, scales[c]);
  }
  if (largest == 0.0F) largest = *std::ranges::max_element(scales);
  const float least = quant::smallest_scale_with(largest);
  int changed = 0;
  for (std::size_t c = 0; c < scales.size(); ++c) {
    const float wanted = used[c] ? std::max(scales[c], least) : largest;
    if (wanted == scales[c]) continue;
    rescale_channel(weight, static_cast<std::int64_t>(c), wanted);
    ++changed;
  }
  return changed;
}

}  // namespace ompq::rounding
