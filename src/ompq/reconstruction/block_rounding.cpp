#include "ompq/reconstruction/block_rounding.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include <fmt/format.h>

#include "ompq/core/error.h"
#include "ompq/quant/grid.h"
#include "ompq/quant/rounding.h"
#include "ompq/quant/simd.h"
#include "ompq/quant/slices.h"

namespace ompq::reconstruction {
namespace {

/// 2^x for |x| < 126: the integer part is added to the exponent, the rest in +-1/2 uses the series
/// of 2^x up to degree 6; relative error below 1e-7. Unlike std::exp it vectorizes.
OMPQ_INLINE float power_of_two(float x) {
  const float whole = quant::round_half_even(x);
  const float r = (x - whole) * 0.69314718F;
  const float series =
      1.0F +
      r * (1.0F + r * (0.5F + r * (0.16666667F +
                                   r * (0.041666667F + r * (0.0083333333F + r * 0.0013888889F)))));
  const auto exponent = static_cast<std::uint32_t>(static_cast<std::int32_t>(whole) + 127) << 23;
  return series * std::bit_cast<float>(exponent);
}

/// log2 x for normal x > 0: the series of atanh in (m - 1) / (m + 1), m in sqrt(1/2)..sqrt(2).
OMPQ_INLINE float log_two(float x) {
  const auto bits = std::bit_cast<std::int32_t>(x);
  const std::int32_t exponent = (bits - 0x3f3504f3) >> 23;
  const float m = std::bit_cast<float>(bits - (exponent << 23));
  const float t = (m - 1.0F) / (m + 1.0F);
  const float u = t * t;
  const float series = t * (2.8853901F + u * (0.96179669F + u * (0.57707802F + u * 0.4121986F)));
  return static_cast<float>(exponent) + series;
}

OMPQ_INLINE float sigmoid(float v) {
  constexpr float kLimit = 80.0F;
  const float cut = v < -kLimit ? -kLimit : (v > kLimit ? kLimit : v);
  return 1.0F / (1.0F + power_of_two(cut * -1.44269504F));
}

OMPQ_INLINE float stretched(float s) { return s * (kZeta - kGamma) + kGamma; }
OMPQ_INLINE float unit(float x) { return x < 0.0F ? 0.0F : (x > 1.0F ? 1.0F : x); }

/// d/dh of 1 - |2h - 1|^beta.
OMPQ_INLINE float pressure_slope(float h, float beta) {
  const float side = 2.0F * h - 1.0F;
  const float distance = std::abs(side) > 1e-6F ? std::abs(side) : 1e-6F;
  const float exponent = (beta - 1.0F) * log_two(distance);
  const float power = power_of_two(exponent > -120.0F ? exponent : -120.0F);
  return side > 0.0F ? -2.0F * beta * power : 2.0F * beta * power;
}

struct Arrays {
  const float* gradients;
  const float* scale;
  const float* lower;
  float* v;
  float* first;
  float* second;
  float* weights;
};

OMPQ_VECTOR_CLONES
void update_range(const Arrays& a,
                  std::int64_t begin,
                  std::int64_t end,
                  const AdamStep& adam,
                  float first_correction,
                  float second_correction,
                  const RoundingPressure& pressure) {
  const RoundingPressure push = pressure;
  const float beta1 = adam.first_decay;
  const float beta2 = adam.second_decay;
  const float rate = adam.rate * first_correction;
  const float epsilon = adam.epsilon;
  const Arrays p = a;
#pragma omp simd
  for (std::int64_t i = begin; i < end; ++i) {
    const float s = sigmoid(p.v[i]);
    const float raw = stretched(s);
    const float h = unit(raw);
    const float slope = raw > 0.0F && raw < 1.0F ? s * (1.0F - s) * (kZeta - kGamma) : 0.0F;
    const float pushed = push.weight > 0.0F ? push.weight * pressure_slope(h, push.beta) : 0.0F;
    const float g = (p.gradients[i] * p.scale[i] + pushed) * slope;
    const float first = beta1 * p.first[i] + (1.0F - beta1) * g;
    const float second = beta2 * p.second[i] + (1.0F - beta2) * g * g;
    const float v = p.v[i] - rate * first / (std::sqrt(second * second_correction) + epsilon);
    p.first[i] = first;
    p.second[i] = second;
    p.v[i] = v;
    p.weights[i] = p.scale[i] * (p.lower[i] + unit(stretched(sigmoid(v))));
  }
}

}  // namespace

float rectified_sigmoid(float v) { return unit(stretched(sigmoid(v))); }

float inverse_rectified_sigmoid(float h) {
  const float s = (unit(h) - kGamma) / (kZeta - kGamma);
  return std::log(s / (1.0F - s));
}

RoundingVariables::RoundingVariables(const Tensor& weight,
                                     const quant::QuantizedTensor& initial,
                                     const RoundingStart& start)
    : initial_(initial) {
  if (weight.shape() != initial.shape) {
    throw ShapeError("reconstruction",
                     fmt::format("a weight of shape {} cannot start from codes of shape {}; give "
                                 "the codes of the same weight",
                                 shape_text(weight.shape()),
                                 shape_text(initial.shape)));
  }
  const quant::Slices slices = quant::slices_of(initial.shape, initial.params.granularity);
  const auto values = weight.data<float>();
  const std::size_t count = values.size();
  scale_.resize(count);
  lower_.resize(count);
  lower_code_.resize(count);
  v_.resize(count);
  first_moment_.assign(count, 0.0F);
  second_moment_.assign(count, 0.0F);
  for (std::size_t i = 0; i < count; ++i) {
    const auto s = static_cast<std::size_t>(slices.of(static_cast<std::int64_t>(i)));
    const quant::Grid grid = quant::grid_of(initial.params, s);
    const int code = initial.codes[i];
    const float ratio = values[i] / grid.scale;
    // The code is one of the two levels; the other one is on the side of the float weight.
    const int below = ratio > quant::level_of_code(initial.codes[i], grid) ? code : code - 1;
    const int lower = std::clamp(below, 0, initial.params.bits.levels() - 2);
    lower_code_[i] = static_cast<std::uint8_t>(lower);
    const float level = quant::level_of_code(lower_code_[i], grid);
    const float step = quant::level_of_code(static_cast<std::uint8_t>(lower + 1), grid) - level;
    scale_[i] = grid.scale * step;
    lower_[i] = level / step;
    const auto up = static_cast<float>(code - lower);  // 0 or 1
    const float exact = unit((ratio - level) / step);
    v_[i] = inverse_rectified_sigmoid(exact + start.firmness * (up - exact));
  }
}

void RoundingVariables::soft_weights(std::span<float> weights) const {
  for (std::size_t i = 0; i < v_.size(); ++i) {
    weights[i] = scale_[i] * (lower_[i] + rectified_sigmoid(v_[i]));
  }
}

quant::QuantizedTensor RoundingVariables::harden() const {
  quant::QuantizedTensor result = initial_;
  for (std::size_t i = 0; i < v_.size(); ++i) {
    const int up = v_[i] >= 0.0F ? 1 : 0;  // h(0) = 1/2
    result.codes[i] = static_cast<std::uint8_t>(lower_code_[i] + up);
  }
  return result;
}

void RoundingVariables::update(std::span<const float> gradients,
                               const AdamStep& adam,
                               const RoundingPressure& pressure,
                               std::span<float> weights) {
  const auto correction = [&](float decay) {
    return static_cast<float>(1.0 / (1.0 - std::pow(decay, static_cast<double>(adam.number))));
  };
  const float first = correction(adam.first_decay);
  const float second = correction(adam.second_decay);
  const Arrays arrays{gradients.data(),
                      scale_.data(),
                      lower_.data(),
                      v_.data(),
                      first_moment_.data(),
                      second_moment_.data(),
                      weights.data()};
  constexpr std::int64_t kPiece = 4096;
  constexpr std::int64_t kLeastShared = 1 << 16;  // below, starting threads takes longer
  const auto count = static_cast<std::int64_t>(v_.size());
#pragma omp parallel for schedule(static) if (count > kLeastShared)
  for (std::int64_t begin = 0; begin < count; begin += kPiece) {
    const std::int64_t end = std::min(begin + kPiece, count);
    update_range(arrays, begin, end, adam, first, second, pressure);
  }
}

double RoundingVariables::pressure(float beta) const {
  double sum = 0.0;
  for (const float v : v_) {
    sum += 1.0 - std::pow(std::abs(2.0 * rectified_sigmoid(v) - 1.0), beta);
  }
  return sum;
}

double RoundingVariables::undecided() const {
  const auto open = std::count_if(v_.begin(), v_.end(), [](float v) {
    const float h = rectified_sigmoid(v);
    return h > 0.05F && h < 0.95F;
  });
  return static_cast<double>(open) / static_cast<double>(std::max<std::size_t>(v_.size(), 1));
}

}  // namespace ompq::reconstruction
