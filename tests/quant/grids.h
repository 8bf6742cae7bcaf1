#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "ompq/core/random.h"
#include "ompq/quant/grid.h"

namespace ompq::testing {

inline constexpr float kInfinite = std::numeric_limits<float>::infinity();
inline constexpr float kNotANumber = std::numeric_limits<float>::quiet_NaN();

/// Grids of every width, with the zero point at both ends and between; of half levels at one bit.
inline std::vector<quant::Grid> all_grids() {
  std::vector<quant::Grid> grids;
  for (int bits = 1; bits <= 8; ++bits) {
    const BitWidth width(bits);
    for (const int zero : {0, width.levels() / 2, width.levels() - 1}) {
      for (const float scale : {0.25F, 0.0371F}) {
        grids.push_back(quant::make_grid(scale, zero, width, 0.0F));
      }
    }
    grids.push_back(quant::make_grid(0.375F, width.levels() / 2, width, 0.5F));
  }
  return grids;
}

/// Levels, the middles between them, what lies next to these, and beyond both ends.
inline std::vector<float> telling_numbers(const quant::Grid& grid) {
  std::vector<float> numbers{0.0F, -0.0F, 1e-45F, -1e-45F, 3e38F, -3e38F, kInfinite, -kInfinite};
  for (float half = 2 * grid.low - 5; half <= 2 * grid.high + 5; ++half) {
    const float x = 0.5F * half * grid.scale;
    for (const float each : {x, std::nextafter(x, kInfinite), std::nextafter(x, -kInfinite)}) {
      numbers.push_back(each);
    }
  }
  Random random(5);
  for (int i = 0; i < 200; ++i) {
    numbers.push_back(static_cast<float>(random.normal()) * grid.scale * (grid.high - grid.low));
  }
  return numbers;
}

/// The definition: ties to even, then the ends.
inline float level_by_definition(float x, const quant::Grid& grid) {
  const float level = std::nearbyint(x / grid.scale - grid.shift) + grid.shift;
  return std::min(std::max(level, grid.low), grid.high);
}

}  // namespace ompq::testing
