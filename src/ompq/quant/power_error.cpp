#include "ompq/quant/power_error.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdint>

#include "ompq/quant/grid.h"
#include "ompq/quant/rounding.h"
#include "ompq/quant/simd.h"

namespace ompq::quant {
namespace {

/// log2 of a positive normal number, |error| < 1e-6: mantissa in [sqrt(1/2), sqrt(2)) by the
/// series of artanh, whose next term is below 2^-33.
inline float fast_log2(float x) {
  constexpr std::int32_t kSqrtHalf = 0x3f3504f3;
  const auto bits = std::bit_cast<std::int32_t>(x);
  const std::int32_t exponent = (bits - kSqrtHalf) >> 23;
  const float mantissa = std::bit_cast<float>(bits - (exponent << 23));
  const float t = (mantissa - 1.0F) / (mantissa + 1.0F);
  const float t2 = t * t;
  const float series = 1.0F + t2 * (1.0F / 3 + t2 * (1.0F / 5 + t2 * (1.0F / 7 + t2 * (1.0F / 9))));
  return static_cast<float>(exponent) + 2.88539008F * t * series;  // 2 / ln 2
}

/// 2^x for x in -126..126, relative error below 1e-6: Taylor around the nearest whole number.
inline float fast_exp2(float x) {
  const float whole = round_half_even(x);
  const float f = (x - whole) * 0.69314718F;
  const float fraction =
      1.0F +
      f * (1.0F +
           f * (1.0F / 2 + f * (1.0F / 6 + f * (1.0F / 24 + f * (1.0F / 120 + f * (1.0F / 720))))));
  const auto shift = static_cast<std::int32_t>(whole) << 23;
  return std::bit_cast<float>(std::bit_cast<std::int32_t>(fraction) + shift);
}

/// |error|^power for an error in units of the scale. Errors below 2^-30 are treated as 2^-30, which
/// is negligible.
inline float fast_pow(float error, float power) {
  const float floored = error < 0x1p-30F ? 0x1p-30F : error;
  const float exponent = power * fast_log2(floored);
  const float clamped = exponent < -126.0F ? -126.0F : exponent;
  return fast_exp2(clamped > 126.0F ? 126.0F : clamped);
}

/// A grid that multiplies with 1 / scale instead of dividing: the errors are sums over many values,
/// so ties that are rounded differently do not matter.
struct Steps {
  Grid grid;
  float per_unit;  ///< 1 / scale
};

inline float error_in_steps(float x, const Steps& steps) {
  const float ratio = x * steps.per_unit;
  return std::abs(ratio - nearest_level(ratio, equally_spaced(steps.grid)));
}

OMPQ_VECTOR_CLONES float sum_powers(const float* x, std::int64_t count, Steps steps, float power) {
  float sum = 0;
#pragma omp simd reduction(+ : sum)
  for (std::int64_t i = 0; i < count; ++i) sum += fast_pow(error_in_steps(x[i], steps), power);
  return sum;
}

OMPQ_VECTOR_CLONES float sum_squares(const float* x, std::int64_t count, Steps steps) {
  float sum = 0;
#pragma omp simd reduction(+ : sum)
  for (std::int64_t i = 0; i < count; ++i) {
    const float error = error_in_steps(x[i], steps);
    sum += error * error;
  }
  return sum;
}

OMPQ_VECTOR_CLONES double sum_weighted_powers(
    const float* x, const float* weights, std::int64_t count, Steps steps, float power) {
  double sum = 0;
#pragma omp simd reduction(+ : sum)
  for (std::int64_t i = 0; i < count; ++i) {
    sum += static_cast<double>(weights[i] * fast_pow(error_in_steps(x[i], steps), power));
  }
  return sum;
}

constexpr std::size_t kErrorChunk = 256;

OMPQ_VECTOR_CLONES void ratios_of(const float* x, float* ratios, std::int64_t count, Steps steps) {
#pragma omp simd
  for (std::int64_t i = 0; i < count; ++i) ratios[i] = x[i] * steps.per_unit - steps.grid.shift;
}

OMPQ_VECTOR_CLONES float sum_powers_of_errors(const float* ratios,
                                              const float* levels,
                                              const float* weights,
                                              std::int64_t count,
                                              float power) {
  float sum = 0;
#pragma omp simd reduction(+ : sum)
  for (std::int64_t i = 0; i < count; ++i) {
    sum += weights[i] * fast_pow(std::abs(ratios[i] - levels[i]), power);
  }
  return sum;
}

/// The same with levels of a set.
double chunk_error_of_set(
    const WeightedValues& x, std::size_t at, std::int64_t count, const Steps& steps, float power) {
  static constexpr auto kOnes = [] {
    std::array<float, kErrorChunk> ones{};
    for (float& one : ones) one = 1.0F;
    return ones;
  }();
  std::array<float, kErrorChunk> ratios{};
  ratios_of(x.values.data() + at, ratios.data(), count, steps);
  std::array<float, kErrorChunk> levels = ratios;
  round_to_set(std::span(levels).first(static_cast<std::size_t>(count)), *steps.grid.set);
  const float* weights = x.weights.empty() ? kOnes.data() : x.weights.data() + at;
  return sum_powers_of_errors(ratios.data(), levels.data(), weights, count, power);
}

double chunk_error(
    const WeightedValues& x, std::size_t at, std::int64_t count, const Steps& steps, float power) {
  if (steps.grid.set != nullptr) {
    return chunk_error_of_set(x, at, count, steps, power);
  }
  const float* values = x.values.data() + at;
  if (!x.weights.empty()) {
    return sum_weighted_powers(values, x.weights.data() + at, count, steps, power);
  }
  return power == 2.0F ? sum_squares(values, count, steps)
                       : sum_powers(values, count, steps, power);
}

}  // namespace

double power_error(const WeightedValues& x,
                   const SliceParams& params,
                   BitWidth bits,
                   double power,
                   double give_up_above) {
  // Chunks are short, so that a bad candidate is dropped early and float32 sums are accurate to
  // 1e-6.
  const Steps steps{make_grid(params.scale, params.zero_point, bits, params.shift, params.set),
                    1.0F / params.scale};
  const double unit = std::pow(static_cast<double>(params.scale), power);
  const double limit = give_up_above / unit;
  double sum = 0;
  for (std::size_t at = 0; at < x.values.size(); at += kErrorChunk) {
    const auto count = static_cast<std::int64_t>(std::min(kErrorChunk, x.values.size() - at));
    sum += chunk_error(x, at, count, steps, static_cast<float>(power));
    if (sum > limit) return std::numeric_limits<double>::infinity();
  }
  return sum * unit;
}

}  // namespace ompq::quant
