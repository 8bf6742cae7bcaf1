#pragma once

#include <cstddef>
#include <utility>

#include "ompq/quant/choose_options.h"
#include "ompq/quant/power_error.h"

namespace ompq::quant {

/// The quantizer of [min, max], widened to contain zero. An empty range gets scale 1, or the
/// smallest scale if no level is zero.
[[nodiscard]] SliceParams params_of_range(double min, double max, BitWidth bits, Symmetry symmetry);

/// True if so many values are zero that a level at zero is worth a try.
[[nodiscard]] bool is_sparse(std::size_t zeros, std::size_t values);

/// The smallest range that has a level at zero and includes [min, max], with normal levels.
/// @param side  1 or -1: which of the two innermost levels is zero.
/// @pre has_normal_levels(bits), min <= 0 <= max.
[[nodiscard]] std::pair<double, double> range_with_zero(double min,
                                                        double max,
                                                        BitWidth bits,
                                                        int side);

/// Shrinks [min, max] towards zero, in steps of one percent at first, and returns the range with
/// the least power_error; for asymmetric quantizers each end is then also shrunk separately. Normal
/// levels for sparse values are also tried with a level at zero. The full range is the first
/// candidate, so the result is never worse than min-max.
[[nodiscard]] SliceParams search_range(const WeightedValues& x,
                                       double min,
                                       double max,
                                       const ChooseOptions& options);

}  // namespace ompq::quant
