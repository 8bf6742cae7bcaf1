#include "ompq/quant/short_scale.h"

#include <algorithm>
#include <cmath>

namespace ompq::quant {
namespace {

constexpr int kMantissas = 1 << kShortScaleBits;

/// The unit with which 16..31 x 2^0..2^15 x unit covers scales up to `largest`.
float unit_for(float largest) {
  int exponent = 0;
  (void)std::frexp(largest, &exponent);
  return std::ldexp(1.0F, exponent - kShortScaleBits - kShortScaleOctaves);
}

}  // namespace

float short_scale(float scale, Snap snap) {
  int exponent = 0;
  const float fraction = std::frexp(scale, &exponent);  // in [0.5, 1)
  const float steps = std::ldexp(fraction, kShortScaleBits + 1);
  const float whole = snap == Snap::Up ? std::ceil(steps) : std::nearbyint(steps);
  return std::ldexp(whole, exponent - kShortScaleBits - 1);
}

void shorten_scales(QuantParams& params, Snap snap) {
  if (params.scale.empty()) return;
  for (float& scale : params.scale) scale = short_scale(scale, snap);
  const float min =
      smallest_scale_with(*std::max_element(params.scale.begin(), params.scale.end()));
  for (float& scale : params.scale) scale = std::max(scale, min);
}

float smallest_scale_with(float largest) { return unit_for(largest) * kMantissas; }

std::optional<ScaleCodes> encode_scales(std::span<const float> scales) {
  if (scales.empty()) return std::nullopt;
  ScaleCodes result{.unit = unit_for(*std::max_element(scales.begin(), scales.end()))};
  if (!std::isnormal(result.unit)) return std::nullopt;
  for (const float scale : scales) {
    int exponent = 0;
    const float steps = std::ldexp(std::frexp(scale / result.unit, &exponent), kShortScaleBits + 1);
    const int octave = exponent - kShortScaleBits - 1;
    const bool fits = steps >= kMantissas && steps == std::floor(steps) && octave >= 0 &&
                      octave < kShortScaleOctaves;
    if (!fits) return std::nullopt;
    const int code = octave * kMantissas + static_cast<int>(steps) - kMantissas;
    result.codes.push_back(static_cast<std::uint8_t>(code));
  }
  return result;
}

float short_bias(float bias, float step) {
  int exponent = 0;
  const float steps = bias / step;
  (void)std::frexp(steps, &exponent);
  const int dropped = std::max(exponent - kShortBiasBits, 0);
  return std::ldexp(std::nearbyint(std::ldexp(steps, -dropped)), dropped) * step;
}

void round_biases(std::span<float> biases,
                  float input_scale,
                  std::span<const float> weight_scales) {
  for (std::size_t c = 0; c < biases.size(); ++c) {
    biases[c] = short_bias(biases[c], input_scale * weight_scales[c % weight_scales.size()]);
  }
}

}  // namespace ompq::quant
