#pragma once

#include <limits>
#include <span>

#include "ompq/quant/level_set.h"
#include "ompq/quant/quant_params.h"

namespace ompq::quant {

/// The quantizer of one slice, before it becomes part of QuantParams.
struct SliceParams {
  float scale = 1;
  std::int32_t zero_point = 0;
  float shift = 0.0F;             ///< of the levels: level_shift()
  const LevelSet* set = nullptr;  ///< null: equally spaced levels
};

/// Numbers to be quantized and their multiplicity; empty weights: 1.
struct WeightedValues {
  std::span<const float> values;
  std::span<const float> weights;
};

/// sum weight * |x - fake_quantize(x)|^power, with a relative error of about 1e-6: a general power
/// is computed as exp2(power * log2) by vectorizable polynomials. Returns infinity as soon as the
/// sum exceeds `give_up_above`.
[[nodiscard]] double power_error(const WeightedValues& x,
                                 const SliceParams& params,
                                 BitWidth bits,
                                 double power,
                                 double give_up_above = std::numeric_limits<double>::infinity());

}  // namespace ompq::quant
