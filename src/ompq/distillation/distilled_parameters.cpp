#include "ompq/distillation/distilled_parameters.h"

#include <algorithm>
#include <cmath>

#include "ompq/quant/grid.h"
#include "ompq/quant/short_scale.h"
#include "ompq/quant/simd.h"
#include "ompq/quant/slices.h"

namespace ompq::distillation {
namespace {

constexpr float kFirstDecay = 0.9F;
constexpr float kSecondDecay = 0.999F;
constexpr float kEpsilon = 1e-12F;

// The pragma states that the arrays do not overlap. Without it the compiler generates two loops and
// selects by the arrays' addresses; these fuse different multiplications and additions, so the last
// bit of a moment would depend on the addresses, and a resumed run would differ from an
// uninterrupted one.
OMPQ_VECTOR_CLONES
void adam(const float* gradients,
          float* first,
          float* second,
          float* values,
          std::int64_t count,
          float rate,
          float second_correction) {
#pragma omp simd
  for (std::int64_t i = 0; i < count; ++i) {
    const float g = gradients[i];
    first[i] = kFirstDecay * first[i] + (1.0F - kFirstDecay) * g;
    second[i] = kSecondDecay * second[i] + (1.0F - kSecondDecay) * g * g;
    values[i] -= rate * first[i] / (std::sqrt(second[i] * second_correction) + kEpsilon);
  }
}

}  // namespace

void AdamMoments::update(std::span<const float> gradients,
                         double rate,
                         std::int64_t number,
                         std::span<float> values) {
  const auto n = static_cast<double>(number);
  const double first = 1.0 / (1.0 - std::pow(kFirstDecay, n));
  const double second = 1.0 / (1.0 - std::pow(kSecondDecay, n));
  adam(gradients.data(),
       first_.data(),
       second_.data(),
       values.data(),
       static_cast<std::int64_t>(values.size()),
       static_cast<float>(rate * first),
       static_cast<float>(second));
}

DistilledWeight::DistilledWeight(const Tensor& weight, const quant::QuantizedTensor& initial)
    : initial_(initial),
      scales_(initial.params.scale),
      t_(initial.params.scale.size(), 0.0F),
      t_moments_(initial.params.scale.size()),
      u_moments_(initial.codes.size()) {
  const quant::Slices slices = quant::slices_of(initial.shape, initial.params.granularity);
  const auto values = weight.data<float>();
  for (std::size_t c = 0; c < scales_.size(); ++c) {
    grids_.push_back(quant::grid_of(initial.params, c));
  }
  slice_.resize(values.size());
  u_.resize(values.size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    slice_[i] = static_cast<std::uint32_t>(slices.of(static_cast<std::int64_t>(i)));
    const quant::Grid& grid = grids_[slice_[i]];
    const float code = quant::level_of_code(initial.codes[i], grid);
    // Compensated rounding moves weights; within the code's cell the float weight is used.
    constexpr float kInside = 0.8F;
    const quant::Cell cell = quant::cell_of(code, grid);
    const float moved = values[i] / scales_[slice_[i]] - code;
    u_[i] = code + std::clamp(moved, -kInside * cell.below, kInside * cell.above);
  }
}

float DistilledWeight::level(std::size_t i) const {
  return quant::nearest_level(u_[i], grids_[slice_[i]]);
}

bool DistilledWeight::is_in_cell(std::size_t i, float level) const {
  const quant::Cell cell = quant::cell_of(level, grids_[slice_[i]]);
  return u_[i] >= level - cell.below && u_[i] <= level + cell.above;
}

void DistilledWeight::write_weights(std::span<float> weights) const {
  for (std::size_t i = 0; i < weights.size(); ++i) weights[i] = scales_[slice_[i]] * level(i);
}

void DistilledWeight::refresh_scales() {
  for (std::size_t c = 0; c < scales_.size(); ++c) {
    scales_[c] =
        quant::short_scale(initial_.params.scale[c] * std::exp(t_[c]), quant::Snap::Nearest);
  }
}

void DistilledWeight::update(std::span<const float> gradients,
                             double scale_rate,
                             double level_rate,
                             std::int64_t number) {
  std::vector<float> by_scale(t_.size(), 0.0F);
  std::vector<float> by_level(level_rate > 0 ? u_.size() : 0);
  for (std::size_t i = 0; i < gradients.size(); ++i) {
    const float whole = level(i);
    const float scaled = gradients[i] * scales_[slice_[i]];
    by_scale[slice_[i]] += scaled * whole;
    if (level_rate > 0) by_level[i] = is_in_cell(i, whole) ? scaled : 0.0F;
  }
  if (scale_rate > 0) {
    t_moments_.update(by_scale, scale_rate, number, t_);
    refresh_scales();
  }
  // The rate is in steps between levels.
  const double step = quant::mean_step(grids_.front());
  if (level_rate > 0) u_moments_.update(by_level, level_rate * step, number, u_);
}

quant::QuantizedTensor DistilledWeight::codes() const {
  quant::QuantizedTensor codes = initial_;
  codes.params.scale = scales_;
  for (std::size_t i = 0; i < u_.size(); ++i) {
    codes.codes[i] = quant::code_of_level(level(i), grids_[slice_[i]]);
  }
  return codes;
}

}  // namespace ompq::distillation
