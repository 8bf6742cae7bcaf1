#include "ompq/quant/range_search.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "ompq/quant/levels.h"

namespace ompq::quant {
namespace {

struct Range {
  double min;
  double max;
};

/// The search state with the best range so far.
class Search {
 public:
  Search(const WeightedValues& x, const ChooseOptions& options) : x_(x), options_(options) {}

  /// @return true if it is the best so far.
  bool try_range(Range range) {
    const SliceParams params =
        params_of_range(range.min, range.max, options_.bits, options_.symmetry);
    const double error = power_error(x_, params, options_.bits, options_.error_power, best_error_);
    if (error >= best_error_) return false;
    best_error_ = error;
    best_range_ = range;
    best_ = params;
    return true;
  }
  [[nodiscard]] const SliceParams& best() const { return best_; }
  [[nodiscard]] const Range& best_range() const { return best_range_; }

 private:
  const WeightedValues& x_;
  const ChooseOptions& options_;
  double best_error_ = std::numeric_limits<double>::infinity();
  Range best_range_{0, 0};
  SliceParams best_;
};

/// 1, 1 - step, ... 0.2, and then in smaller steps down to 0.01, since outliers can be far away.
std::vector<double> shrink_factors(double step) {
  std::vector<double> factors;
  for (int i = 0; 1 - i * step >= 0.2; ++i) factors.push_back(1 - i * step);
  while (factors.back() > 0.01) factors.push_back(factors.back() * 0.9);
  return factors;
}

/// Tries the ranges that `range_of` makes of all factors. The error of many values is a smooth
/// function of the factor, so that the best one is near the best of every fifth.
template <typename RangeOf>
void try_factors(Search& search,
                 const std::vector<double>& factors,
                 std::size_t values,
                 const RangeOf& range_of) {
  constexpr std::size_t kMany = 128;
  const std::size_t stride = values < kMany ? 1 : 5;
  std::size_t nearest = 0;
  for (std::size_t i = 0; i < factors.size(); i += stride) {
    if (search.try_range(range_of(factors[i]))) nearest = i;
  }
  const std::size_t first = nearest + 1 > stride ? nearest + 1 - stride : 0;
  for (std::size_t i = first; i < std::min(nearest + stride, factors.size()); ++i) {
    if (i % stride != 0) (void)search.try_range(range_of(factors[i]));
  }
}

/// A symmetric grid has one more level below zero than above, or equally many if no level is zero.
SliceParams symmetric_params(double min, double max, BitWidth bits) {
  const float shift = level_shift(bits, Symmetry::Symmetric);
  const double below = bits.levels() / 2.0 - static_cast<double>(shift);
  const double above = bits.levels() / 2.0 - 1 + static_cast<double>(shift);
  return {static_cast<float>(std::max(-min / below, max / above)), bits.levels() / 2, shift};
}

/// For values that are all zero: if no level is zero, zero is represented by about 10^-12. Biases
/// are multiples of this scale, so it must not be so small that they overflow.
SliceParams params_of_zeros(BitWidth bits, Symmetry symmetry) {
  if (const LevelSet* set = level_set(bits, symmetry)) {
    return {1.0F, zero_point_at_level(bits), 0.0F, set};
  }
  const float shift = level_shift(bits, symmetry);
  const int zero_point = symmetry == Symmetry::Symmetric ? bits.levels() / 2 : 0;
  return {shift == 0.0F ? 1.0F : 0x1p-40F, zero_point, shift};
}

SliceParams asymmetric_params(double min, double max, BitWidth bits) {
  const double top = bits.levels() - 1;
  const double scale = (max - min) / top;
  return {static_cast<float>(scale), static_cast<std::int32_t>(std::nearbyint(-min / scale))};
}

/// The levels' centre is moved to that of the range as far as a zero point can.
SliceParams normal_params(double min, double max, BitWidth bits) {
  const ZeroPointRange allowed = zero_points_of(bits, Symmetry::Normal);
  const double centre = (min + max) / (max - min) * kLargestNormalLevel;
  const int steps = static_cast<int>(std::nearbyint(-centre / allowed.step));
  const int zero_point = std::clamp(steps * allowed.step, allowed.least, allowed.most);
  const double scale =
      std::max(max / (kLargestNormalLevel - zero_point), -min / (kLargestNormalLevel + zero_point));
  return {static_cast<float>(scale), zero_point, 0.0F, &normal_levels(bits)};
}

SliceParams unclamped_params(double min, double max, BitWidth bits, Symmetry symmetry) {
  switch (symmetry) {
    case Symmetry::Symmetric:
      return symmetric_params(min, max, bits);
    case Symmetry::Asymmetric:
      return asymmetric_params(min, max, bits);
    case Symmetry::Normal:
      break;
  }
  return normal_params(min, max, bits);
}

}  // namespace

SliceParams params_of_range(double min, double max, BitWidth bits, Symmetry symmetry) {
  min = std::min(min, 0.0);
  max = std::max(max, 0.0);
  if (min == max) return params_of_zeros(bits, symmetry);
  SliceParams params = unclamped_params(min, max, bits, symmetry);
  // Scales stay normal numbers, so that 1 / scale is finite.
  params.scale = std::clamp(params.scale, 0x1p-126F, 0x1p126F);
  const ZeroPointRange allowed = zero_points_of(bits, symmetry);
  params.zero_point = std::clamp(params.zero_point, allowed.least, allowed.most);
  return params;
}

bool is_sparse(std::size_t zeros, std::size_t values) { return zeros * 8 >= values && zeros > 0; }

std::pair<double, double> range_with_zero(double min, double max, BitWidth bits, int side) {
  const double below = kLargestNormalLevel + side * zero_point_at_level(bits);
  const double above = kLargestNormalLevel - side * zero_point_at_level(bits);
  const double scale = std::max(-min / below, max / above);
  return {-scale * below, scale * above};
}

SliceParams search_range(const WeightedValues& x,
                         double min,
                         double max,
                         const ChooseOptions& options) {
  min = std::min(min, 0.0);
  max = std::max(max, 0.0);
  Search search(x, options);
  const std::size_t count = x.values.size();
  try_factors(search, shrink_factors(0.01), count, [&](double f) {
    return Range{min * f, max * f};
  });
  if (options.symmetry == Symmetry::Symmetric || min == 0 || max == 0) return search.best();

  // For one long tail: search each end separately, in larger steps, from the best common factor.
  const std::vector<double> larger = shrink_factors(0.02);
  const Range common = search.best_range();
  try_factors(search, larger, count, [&](double f) { return Range{common.min * f, common.max}; });
  const Range lower = search.best_range();
  try_factors(search, larger, count, [&](double f) { return Range{lower.min, lower.max * f}; });
  const auto zeros = static_cast<std::size_t>(std::ranges::count(x.values, 0.0F));
  if (options.symmetry != Symmetry::Normal || !is_sparse(zeros, count)) return search.best();
  for (const int side : {-1, 1}) {
    const auto [low, high] = range_with_zero(min, max, options.bits, side);
    try_factors(search, larger, count, [&](double f) { return Range{low * f, high * f}; });
  }
  return search.best();
}

}  // namespace ompq::quant
