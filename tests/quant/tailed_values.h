#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "ompq/core/random.h"
#include "ompq/core/tensor.h"
#include "ompq/quant/power_error.h"

namespace ompq::testing {

/// Normal values with a few far outliers on the upper side.
inline Tensor tailed_weight(std::int64_t slices, std::int64_t per_slice, std::uint64_t seed) {
  Random random(seed);
  std::vector<float> values(static_cast<std::size_t>(slices * per_slice));
  for (float& value : values) value = static_cast<float>(random.normal());
  for (std::size_t i = 0; i < values.size(); i += 97) values[i] = std::abs(values[i]) * 4;
  return Tensor::from<float>({slices, per_slice}, values);
}

/// The sum that power_error() approximates, by its definition in float64. For levels on integers.
inline double exact_power_error(std::span<const float> values,
                                const quant::SliceParams& params,
                                BitWidth bits,
                                double power) {
  const double scale = params.scale;
  double sum = 0;
  for (const double x : values) {
    const double code = std::nearbyint(x / scale) + params.zero_point;
    const double back = (std::clamp(code, 0.0, bits.levels() - 1.0) - params.zero_point) * scale;
    sum += std::pow(std::abs(x - back), power);
  }
  return sum;
}

}  // namespace ompq::testing
