#pragma once

#include "ompq/quant/choose_options.h"
#include "ompq/quant/power_error.h"

namespace ompq::quant {

/// The quantizer of [min, max], widened to contain zero. An empty range gets scale 1, or the
/// smallest scale if no level is zero.
[[nodiscard]] SliceParams params_of_range(double min, double max, BitWidth bits, Symmetry symmetry);

/// Shrinks [min, max] towards zero, in steps of one percent at first, and returns the range with
/// the least power_error; for asymmetric quantizers each end is then also shrunk separately. The
/// full range is the first candidate, so the result is never worse than min-max.
[[nodiscard]] SliceParams search_range(const WeightedValues& x,
                                       double min,
                                       double max,
                                       const ChooseOptions& options);

}  // namespace ompq::quant
