#pragma once

#include <algorithm>
#include <cmath>
#include <string>

#include "ompq/graph/graph.h"
#include "ompq/quant/rounding.h"

namespace ompq::runtime {

/// The levels of quantized numbers: number = scale x level, code = level - low.
struct LevelRange {
  float scale = 1.0F;
  float low = 0.0F;
  float high = 0.0F;

  [[nodiscard]] double largest() const {
    return std::max(std::abs(static_cast<double>(low)), std::abs(static_cast<double>(high)));
  }
};

/// From the attributes PREFIX_scale, PREFIX_low and PREFIX_high, see graph/fuse_integers.h.
[[nodiscard]] inline LevelRange range_at(const graph::Node& node, const std::string& prefix) {
  return {node.float_attribute(prefix + "_scale", 1.0F),
          node.float_attribute(prefix + "_low", 0.0F),
          node.float_attribute(prefix + "_high", 0.0F)};
}

/// The code of a number that is already quantized.
OMPQ_INLINE float code_of(float x, const LevelRange& range) {
  return quant::nearest_level(x / range.scale, range.low, range.high) - range.low;
}
/// The number of the code nearest to `code`, which may be outside of the range.
OMPQ_INLINE float number_of(float code, const LevelRange& range) {
  return (quant::nearest_level(code, 0.0F, range.high - range.low) + range.low) * range.scale;
}

}  // namespace ompq::runtime
