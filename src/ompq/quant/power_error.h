#pragma once

#include <limits>
#include <span>

#include "ompq/quant/quant_params.h"

namespace ompq::quant {

/// One slice's quantizer, before it becomes part of QuantParams.
struct SliceParams {
  float scale = 1;
  std::int32_t zero_point = 0;
  float shift = 0.0F;  ///< of the levels: level_shift()
};

/// Numbers to be quantized and how often each occurs; empty weights: once.
struct WeightedValues {
  std::span<const float> values;
  std::span<const float> weights;
};

/// sum weight * |x - fake_quantize(x)|^power, to some 1e-6 relative: a general power is computed
/// as exp2(power * log2) by polynomials that vectorize. Gives up, and returns infinity, as soon as
/// the sum passes `give_up_above`.
[[nodiscard]] double power_error(const WeightedValues& x,
                                 const SliceParams& params,
                                 BitWidth bits,
                                 double power,
                                 double give_up_above = std::numeric_limits<double>::infinity());

}  // namespace ompq::quant
