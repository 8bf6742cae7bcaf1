#pragma once

#include <cstdint>

#include "ompq/quant/choose_options.h"

namespace ompq::quant {

/// @throws ConfigError for a percentile outside (0, 100] or an error power outside [1, 8].
void check_options(const ChooseOptions& options);

/// Maximum number of `count` values outside the range of a percentile.
[[nodiscard]] std::int64_t values_outside(std::int64_t count, double percentile);

struct Tails {
  std::int64_t below = 0;
  std::int64_t above = 0;
};
/// Splits the values outside half to each end; all to the far end if the values have one sign,
/// since the range ends at zero on the other side.
[[nodiscard]] Tails split_outside(std::int64_t count, double percentile, float min, float max);

}  // namespace ompq::quant
