#pragma once

#include <array>

#include "ompq/core/option_binding.h"
#include "ompq/quant/choose_options.h"
#include "ompq/quant/quant_params.h"

namespace ompq::quant {

[[nodiscard]] constexpr auto enum_names(Symmetry) {
  return std::to_array<EnumName<Symmetry>>({{Symmetry::Symmetric, "symmetric"},
                                            {Symmetry::Asymmetric, "asymmetric"},
                                            {Symmetry::Normal, "normal"}});
}

[[nodiscard]] constexpr auto enum_names(RangeMethod) {
  return std::to_array<EnumName<RangeMethod>>({{RangeMethod::MinMax, "minmax"},
                                               {RangeMethod::Percentile, "percentile"},
                                               {RangeMethod::ErrorSearch, "mse"}});
}

}  // namespace ompq::quant
