#include "ompq/quant/short_scale.h"

#include <cmath>

namespace ompq::quant {

float short_scale(float scale, Snap snap) {
  int exponent = 0;
  const float fraction = std::frexp(scale, &exponent);  // in [0.5, 1)
  const float steps = std::ldexp(fraction, kShortScaleBits + 1);
  const float whole = snap == Snap::Up ? std::ceil(steps) : std::nearbyint(steps);
  return std::ldexp(whole, exponent - kShortScaleBits - 1);
}

void shorten_scales(QuantParams& params, Snap snap) {
  for (float& scale : params.scale) scale = short_scale(scale, snap);
}

}  // namespace ompq::quant
