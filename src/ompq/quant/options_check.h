#pragma once

#include <cstdint>

#include "ompq/quant/choose_options.h"

namespace ompq::quant {

/// @throws ConfigError for a percentile outside of (0, 100] or an error power outside of [1, 8].
void check_options(const ChooseOptions& options);

/// How many of `count` values a percentile leaves outside of the range, at most.
[[nodiscard]] std::int64_t values_outside(std::int64_t count, double percentile);

struct Tails {
  std::int64_t below = 0;
  std::int64_t above = 0;
};
/// The values outside, half at each end; all at the far end where the values have one sign, since
/// the range reaches to zero at the other.
[[nodiscard]] Tails split_outside(std::int64_t count, double percentile, float min, float max);

}  // namespace ompq::quant
