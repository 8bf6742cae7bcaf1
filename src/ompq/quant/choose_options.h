#pragma once

#include "ompq/quant/quant_params.h"

namespace ompq::quant {

enum class RangeMethod { MinMax, Percentile, ErrorSearch };

struct ChooseOptions {
  BitWidth bits{8};
  Symmetry symmetry = Symmetry::Asymmetric;
  Granularity granularity = Granularity::per_tensor();
  RangeMethod method = RangeMethod::ErrorSearch;
  double percentile = 99.99;  ///< Percentile: share of values inside the range, in percent
  double error_power = 2.4;   ///< ErrorSearch: minimizes sum |x - fake_quantize(x)|^power
};

}  // namespace ompq::quant
