#pragma once

#include <cstdint>
#include <vector>

#include "ompq/core/bit_width.h"

namespace ompq::quant {

enum class Symmetry { Symmetric, Asymmetric };

/// How many values share one scale. PerTensor: shape [3, 4] -> 1 scale. PerAxis(0): [3, 4] -> 3
/// scales. In a stack of tensors, the first `stacked` axes are those of its members, each of which
/// has its own scales: PerAxis(2) with 1 stacked axis: [5, 3, 4] -> 20 scales, member by member.
struct Granularity {
  bool per_axis = false;
  std::int64_t axis = 0;
  std::int64_t stacked = 0;  ///< 0 .. axis
  static Granularity per_tensor() { return {false, 0, 0}; }
  static Granularity along(std::int64_t axis, std::int64_t stacked = 0) {
    return {true, axis, stacked};
  }
  bool operator==(const Granularity&) const = default;
};

/// A uniform affine quantizer: real = scale * (code - zero_point), code in 0 .. 2^bits - 1. Codes
/// are unsigned for every symmetry; a symmetric quantizer has zero_point = 2^(bits-1), and with one
/// bit its two levels are half a scale above that, at -1/2 and 1/2 scale (levels.h).
struct QuantParams {
  BitWidth bits{8};
  Symmetry symmetry = Symmetry::Asymmetric;
  Granularity granularity = Granularity::per_tensor();
  std::vector<float> scale;              ///< one, or one per slice; > 0
  std::vector<std::int32_t> zero_point;  ///< as many as scales; 0 .. 2^bits - 1
};

}  // namespace ompq::quant
