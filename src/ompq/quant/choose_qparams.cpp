#include "ompq/quant/choose_qparams.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "ompq/core/error.h"
#include "ompq/core/first_failure.h"
#include "ompq/quant/options_check.h"
#include "ompq/quant/range_search.h"
#include "ompq/quant/slices.h"

namespace ompq::quant {
namespace {

/// The `rank`-th smallest value, 0-based; reorders.
float nth(std::vector<float>& values, std::int64_t rank) {
  const auto at = values.begin() + rank;
  std::nth_element(values.begin(), at, values.end());
  return *at;
}

SliceParams percentile_params(std::span<const float> x, const ChooseOptions& options) {
  std::vector<float> values(x.begin(), x.end());
  const auto count = static_cast<std::int64_t>(values.size());
  if (options.symmetry == Symmetry::Symmetric) {
    for (float& value : values) value = std::abs(value);
    const std::int64_t out = values_outside(count, options.percentile);
    const float reach = nth(values, count - 1 - out);
    return params_of_range(-reach, reach, options.bits, options.symmetry);
  }
  const auto [min, max] = std::minmax_element(x.begin(), x.end());
  const Tails tails = split_outside(count, options.percentile, *min, *max);
  const float lower = nth(values, tails.below);
  const float upper = nth(values, count - 1 - tails.above);
  return params_of_range(lower, upper, options.bits, options.symmetry);
}

SliceParams choose_slice(std::span<const float> x, const ChooseOptions& options) {
  if (x.empty()) return params_of_range(0, 0, options.bits, options.symmetry);
  if (options.method == RangeMethod::Percentile) return percentile_params(x, options);
  const auto [min, max] = std::minmax_element(x.begin(), x.end());
  if (options.method == RangeMethod::ErrorSearch) {
    return search_range({x, {}}, *min, *max, options);
  }
  return params_of_range(*min, *max, options.bits, options.symmetry);
}

}  // namespace

QuantParams choose_qparams(const Tensor& x, const ChooseOptions& options) {
  check_options(options);
  const Slices slices = slices_of(x.shape(), options.granularity);
  const Tensor floats = x.converted_to(DataType::Float32);
  const auto values = floats.data<float>();
  require_finite(values);
  QuantParams params{options.bits,
                     options.symmetry,
                     options.granularity,
                     std::vector<float>(static_cast<std::size_t>(slices.total())),
                     std::vector<std::int32_t>(static_cast<std::size_t>(slices.total()))};
  FirstFailure failure;
#pragma omp parallel if (values.size() > 10'000)
  {
    std::vector<float> buffer;
#pragma omp for schedule(dynamic)
    for (std::int64_t s = 0; s < slices.total(); ++s) {
      failure.guard([&] {
        const auto chosen = choose_slice(slice_values(values, slices, s, buffer), options);
        params.scale[static_cast<std::size_t>(s)] = chosen.scale;
        params.zero_point[static_cast<std::size_t>(s)] = chosen.zero_point;
      });
    }
  }
  failure.rethrow();
  return params;
}

QuantParams qparams_from_range(float min, float max, BitWidth bits, Symmetry symmetry) {
  if (!std::isfinite(min) || !std::isfinite(max) || min > max) {
    throw DataError(
        "quant",
        fmt::format(
            "{}..{} is not a valid range; it must have finite ends in ascending order", min, max));
  }
  const SliceParams params = params_of_range(min, max, bits, symmetry);
  return {bits, symmetry, Granularity::per_tensor(), {params.scale}, {params.zero_point}};
}

}  // namespace ompq::quant
