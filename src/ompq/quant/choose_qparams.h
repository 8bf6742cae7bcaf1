#pragma once

#include "ompq/core/tensor.h"
#include "ompq/quant/choose_options.h"
#include "ompq/quant/quant_params.h"

namespace ompq::quant {

/// Chooses scale and zero point for a constant (a weight). The range always contains zero, which is
/// exact except with symmetric quantizers of one bit (levels.h). ErrorSearch tries shrunken min-max
/// ranges and uses the best, per slice.
/// @throws DataError for NaN or infinite values, ShapeError for a bad axis, ConfigError for a bad
/// percentile. Source: Li et al. 2021 (BRECQ), L2.4 search.
[[nodiscard]] QuantParams choose_qparams(const Tensor& x, const ChooseOptions& options);

/// The quantizer for the range [min, max], widened to contain zero.
[[nodiscard]] QuantParams qparams_from_range(float min,
                                             float max,
                                             BitWidth bits,
                                             Symmetry symmetry);

}  // namespace ompq::quant
