#pragma once

#include <cstdint>
#include <vector>

#include "ompq/core/bit_width.h"

namespace ompq::quant {

/// Where the levels of a quantizer are: equally spaced around zero, or from any integer on; or
/// normal_levels() (level_set.h), which are denser around their centre.
enum class Symmetry { Symmetric, Asymmetric, Normal };

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

/// A quantizer: real = scale * (code - zero_point), code in 0 .. 2^bits - 1. Codes are unsigned for
/// every symmetry; a symmetric quantizer has zero_point = 2^(bits-1), and with one bit its two
/// levels are half a scale above that, at -1/2 and 1/2 scale (levels.h). With Symmetry::Normal,
/// real = scale * (normal_levels(bits).level[code] - zero_point).
struct QuantParams {
  BitWidth bits{8};
  Symmetry symmetry = Symmetry::Asymmetric;
  Granularity granularity = Granularity::per_tensor();
  std::vector<float> scale;  ///< one, or one per slice; > 0
  /// As many as scales; 0 .. 2^bits - 1, or for normal levels a multiple of kNormalShiftStep.
  std::vector<std::int32_t> zero_point;
};

}  // namespace ompq::quant
