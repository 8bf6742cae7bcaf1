#include "ompq/quant/options_check.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "ompq/core/error.h"

namespace ompq::quant {

void check_options(const ChooseOptions& options) {
  if (!(options.percentile > 0 && options.percentile <= 100)) {
    throw ConfigError(
        "quant",
        fmt::format(
            "a percentile of {} is not valid; use a number above 0 and up to 100, such as 99.99",
            options.percentile));
  }
  if (!(options.error_power >= 1 && options.error_power <= 8)) {
    throw ConfigError("quant",
                      fmt::format("an error power of {} is outside 1..8; the usual value is 2.4",
                                  options.error_power));
  }
}

std::int64_t values_outside(std::int64_t count, double percentile) {
  const double outside = static_cast<double>(count) * (1 - percentile / 100);
  // 1000 values at 99.9 % must leave exactly one outside, independent of rounding.
  const auto whole =
      static_cast<std::int64_t>(std::floor(outside + 1e-9 * static_cast<double>(count)));
  return std::clamp<std::int64_t>(whole, 0, std::max<std::int64_t>(count - 1, 0));
}

Tails split_outside(std::int64_t count, double percentile, float min, float max) {
  const std::int64_t outside = values_outside(count, percentile);
  if (min >= 0) return {0, outside};
  if (max <= 0) return {outside, 0};
  return {outside / 2, outside / 2};
}

}  // namespace ompq::quant
