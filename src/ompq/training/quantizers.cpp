#include "ompq/training/quantizers.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include <fmt/format.h>
#include <torch/csrc/autograd/custom_function.h>

#include "ompq/core/error.h"
#include "ompq/quant/fake_quantize.h"
#include "ompq/quant/grid.h"
#include "ompq/quant/levels.h"
#include "ompq/quant/short_scale.h"
#include "ompq/quant/slices.h"
#include "ompq/training/optional_tensor.h"

namespace ompq::training {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::Variable;
using torch::autograd::variable_list;

/// A learned step stays above this share of its initial value.
constexpr float kLeastShare = 1.0F / 256.0F;
/// Lower limit of folding factors; a folded channel below it is negligible.
constexpr float kLeastFactor = 1e-12F;
/// A weight that is moved into a level's cell is placed this far from its centre, as a share of the
/// distance to the cell's end.
constexpr float kWithinCell = 0.998F;

/// Data of the weights' pass besides tensors, shared between forward and backward.
struct WeightPass : torch::CustomClassHolder {
  quant::Slices slices;
  std::vector<quant::Grid> grids;  ///< one a slice
  double gradient_scale = 1.0;
};

struct QuantizeWeight : torch::autograd::Function<QuantizeWeight> {
  static Variable forward(AutogradContext* context,
                          const Variable& weight,
                          const Variable& learned,
                          const c10::intrusive_ptr<WeightPass>& pass) {
    at::Tensor result = at::empty_like(weight);
    const float* from = weight.data_ptr<float>();
    float* to = result.data_ptr<float>();
    quant::for_each_run(pass->slices, [&](std::int64_t slice, std::int64_t at, std::int64_t count) {
      const auto size = static_cast<std::size_t>(count);
      quant::fake_quantize(
          {from + at, size}, {to + at, size}, pass->grids[static_cast<std::size_t>(slice)]);
    });
    context->save_for_backward({weight});
    context->saved_data["by_learned"] = learned.requires_grad();
    context->saved_data["pass"] = c10::IValue::make_capsule(pass);
    return result;
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const at::Tensor weight = context->get_saved_variables()[0];
    const auto capsule = context->saved_data["pass"].toCapsule();
    const auto& pass = static_cast<const WeightPass&>(*capsule);
    const at::Tensor dy = gradients[0].contiguous();
    at::Tensor by_weight = at::empty_like(weight);
    std::vector<double> by_step(pass.grids.size());
    const float* w = weight.data_ptr<float>();
    const float* g = dy.data_ptr<float>();
    float* dw = by_weight.data_ptr<float>();
    quant::for_each_run(pass.slices, [&](std::int64_t slice, std::int64_t at, std::int64_t count) {
      const auto s = static_cast<std::size_t>(slice);
      const quant::Grid grid = pass.grids[s];
      float sum = 0.0F;
#pragma omp simd reduction(+ : sum)
      for (std::int64_t i = at; i < at + count; ++i) {
        const auto slope = quant::fake_quantize_slope(w[i], grid);
        dw[i] = slope.passes != 0.0F ? g[i] : 0.0F;
        sum += g[i] * slope.by_scale;
      }
      by_step[s] += sum;
    });
    variable_list results{by_weight, {}, {}};
    if (context->saved_data["by_learned"].toBool()) {
      results[1] = at::empty({static_cast<std::int64_t>(by_step.size())}, at::kFloat);
      for (std::size_t s = 0; s < by_step.size(); ++s) {
        results[1].data_ptr<float>()[s] = static_cast<float>(by_step[s] * pass.gradient_scale);
      }
    }
    return results;
  }
};

struct StraightThrough : torch::autograd::Function<StraightThrough> {
  static Variable forward(AutogradContext*, const Variable&, const at::Tensor& value) {
    return value.detach().clone();
  }
  static variable_list backward(AutogradContext*, const variable_list& gradients) {
    return {gradients[0], {}};
  }
};

quant::Slices slices_of(const at::Tensor& weight, const quant::Granularity& granularity) {
  return quant::slices_of(weight.sizes().vec(), granularity);
}

float magnitude(std::span<const float> factors, std::size_t s) {
  return factors.empty() ? 1.0F : std::max(std::abs(factors[s]), kLeastFactor);
}
bool flipped(std::span<const float> factors, std::size_t s) {
  return !factors.empty() && factors[s] < 0.0F;
}

/// Of a slice of the operator's own weight.
quant::Grid own_grid(const WeightQuantizer& quantizer, const WeightSteps& steps, std::size_t s) {
  const quant::LevelSet* set = quant::level_set(quantizer.bits, quantizer.symmetry);
  const float shift = set != nullptr ? quantizer.low[s] - set->level[0]
                                     : quant::level_shift(quantizer.bits, quantizer.symmetry);
  return {steps.own[s], quantizer.low[s], quantizer.high[s], shift, set};
}

/// Maximum magnitude of each slice divided by the number of levels on one side.
std::vector<float> extreme_steps(const WeightQuantizer& quantizer, const at::Tensor& weight) {
  const quant::Slices slices = slices_of(weight, quantizer.granularity);
  const float levels = quantizer.high.front();
  std::vector<float> steps(static_cast<std::size_t>(slices.total()), 0.0F);
  const float* w = weight.data_ptr<float>();
  quant::for_each_run(slices, [&](std::int64_t slice, std::int64_t at, std::int64_t count) {
    const auto s = static_cast<std::size_t>(slice);
    for (std::int64_t i = at; i < at + count; ++i) steps[s] = std::max(steps[s], std::abs(w[i]));
  });
  const float max = *std::max_element(steps.begin(), steps.end());
  for (float& step : steps) step = step > 0.0F ? step / levels : std::max(max / levels, 1e-8F);
  return steps;
}

}  // namespace

// --- activations ---------------------------------------------------------------------------------

ActivationQuantizer make_activation_quantizer(const QuantizerMethod& method,
                                              std::string name,
                                              const quant::QuantParams& params,
                                              const rounding::ScaleRule& rule) {
  if (params.scale.size() != 1) {
    throw ConfigError(
        "training",
        fmt::format(
            "activation '{}' has {} scales; give one per tensor", name, params.scale.size()));
  }
  ActivationQuantizer quantizer{.method = &method,
                                .name = std::move(name),
                                .bits = params.bits,
                                .zero_point = params.zero_point.front(),
                                .rule = rule};
  const float step = params.scale.front();
  if (method.activations == ActivationRange::Observed) {
    quantizer.range = at::empty({2}, at::kFloat);
    const quant::Grid grid = quantizer.with_scale(step);
    quantizer.range.data_ptr<float>()[0] = step * grid.low;
    quantizer.range.data_ptr<float>()[1] = step * grid.high;
    return quantizer;
  }
  quantizer.shift = quant::level_shift(params);
  const bool clip = method.activations == ActivationRange::LearnedClip;
  const float start = clip ? step * std::max(quantizer.high(), 1.0F) : step;
  quantizer.learned = at::full({1}, start, at::kFloat).requires_grad_(true);
  quantizer.floor = start * kLeastShare;
  return quantizer;
}

quant::Grid grid_of(ActivationQuantizer& quantizer) {
  if (quantizer.range.defined()) {
    const float* range = quantizer.range.data_ptr<float>();
    const float min = std::min(range[0], 0.0F);
    const float max = std::max(range[1], 0.0F);
    const auto top = static_cast<float>(quantizer.bits.levels() - 1);
    const bool keeps_zero = quantizer.rule.keeps_zero_point;
    const auto zero = static_cast<float>(quantizer.zero_point);
    const float span = keeps_zero
                           ? std::max(max / std::max(top - zero, 1.0F), -min / std::max(zero, 1.0F))
                           : (max - min) / top;
    const float exact = std::max(span, 1e-12F);
    const float step = quantizer.rule.apply(exact, quant::Snap::Up);
    if (!keeps_zero) {
      quantizer.zero_point =
          static_cast<std::int32_t>(std::clamp(std::nearbyint(-min / step), 0.0F, top));
    }
    return quantizer.with_scale(step);
  }
  const bool clip = quantizer.method->activations == ActivationRange::LearnedClip;
  const float learned = quantizer.learned.data_ptr<float>()[0];
  const float step = clip ? learned / std::max(quantizer.high(), 1.0F) : learned;
  return quantizer.with_scale(quantizer.rule.apply(step));
}

void observe(ActivationQuantizer& quantizer, const Range& batch) {
  constexpr float kMomentum = 0.99F;
  float* range = quantizer.range.data_ptr<float>();
  range[0] = kMomentum * range[0] + (1.0F - kMomentum) * batch.min;
  range[1] = kMomentum * range[1] + (1.0F - kMomentum) * batch.max;
}

double learned_gradient(const ActivationQuantizer& quantizer,
                        double step_gradient,
                        std::int64_t elements) {
  // d step / d limit = 1 / high, and the derivative of a clipped element with respect to the step
  // is `high`.
  if (quantizer.method->activations == ActivationRange::LearnedClip) {
    return step_gradient / std::max(quantizer.high(), 1.0F);
  }
  return step_gradient * quant::lsq_gradient_scale(elements, quantizer.high());
}

quant::QuantParams params_of(ActivationQuantizer& quantizer) {
  const quant::Grid grid = grid_of(quantizer);
  return {
      .bits = quantizer.bits,
      .symmetry = quantizer.shift > 0.0F ? quant::Symmetry::Symmetric : quant::Symmetry::Asymmetric,
      .scale = {grid.scale},
      .zero_point = {quantizer.zero_point}};
}

// --- weights -------------------------------------------------------------------------------------

WeightQuantizer make_weight_quantizer(const QuantizerMethod& method,
                                      std::string name,
                                      const quant::QuantizedTensor& codes,
                                      std::span<const float> factors) {
  const quant::QuantParams& params = codes.params;
  WeightQuantizer quantizer{.method = &method,
                            .name = std::move(name),
                            .bits = params.bits,
                            .symmetry = params.symmetry,
                            .granularity = params.granularity};
  const bool min_max = method.weights == WeightRange::MinMax;
  const auto top = static_cast<float>(params.bits.levels() - 1);
  if (min_max) quantizer.symmetry = quant::Symmetry::Symmetric;
  const float shift = quant::level_shift(quantizer.bits, quantizer.symmetry);
  const float half = static_cast<float>(params.bits.levels() / 2) - shift;
  quantizer.mean_step = min_max ? 1.0F : quant::mean_step(quant::grid_of(params, 0));
  std::vector<float> steps;
  for (std::size_t s = 0; s < params.scale.size(); ++s) {
    const quant::Grid grid = quant::grid_of(params, s);
    const float low = min_max ? -half : grid.low;
    const float high = min_max ? top - half : grid.high;
    // A negative factor mirrors the range; a min-max range is symmetric.
    const bool turned = !min_max && flipped(factors, s);
    quantizer.low.push_back(turned ? -high : low);
    quantizer.high.push_back(turned ? -low : high);
    steps.push_back(quantizer.mean_step * params.scale[s] / magnitude(factors, s));
    quantizer.floor.push_back(steps.back() * kLeastShare);
  }
  if (min_max) return quantizer;
  quantizer.learned =
      at::tensor(at::ArrayRef<float>(steps), at::TensorOptions(at::kFloat)).requires_grad_(true);
  return quantizer;
}

WeightSteps steps_of(const WeightQuantizer& quantizer,
                     const at::Tensor& weight,
                     std::span<const float> factors) {
  WeightSteps steps;
  if (quantizer.learned.defined()) {
    const float* learned = quantizer.learned.data_ptr<float>();
    steps.own.assign(learned, learned + quantizer.learned.numel());
    for (float& step : steps.own) step /= quantizer.mean_step;
  } else {
    steps.own = extreme_steps(quantizer, weight);
  }
  quant::QuantParams folded{.scale = steps.own};
  for (std::size_t s = 0; s < steps.own.size(); ++s) folded.scale[s] *= magnitude(factors, s);
  quant::shorten_scales(folded, quant::Snap::Nearest);
  for (std::size_t s = 0; s < steps.own.size(); ++s) {
    steps.own[s] = folded.scale[s] / magnitude(factors, s);
  }
  steps.folded = std::move(folded.scale);
  return steps;
}

at::Tensor quantized_weight(const WeightQuantizer& quantizer,
                            const at::Tensor& weight,
                            const WeightSteps& steps) {
  auto pass = c10::make_intrusive<WeightPass>();
  pass->slices = slices_of(weight, quantizer.granularity);
  for (std::size_t s = 0; s < steps.own.size(); ++s) {
    pass->grids.push_back(own_grid(quantizer, steps, s));
  }
  const float high = *std::max_element(quantizer.high.begin(), quantizer.high.end());
  const float levels = high / quantizer.mean_step;
  pass->gradient_scale =
      quant::lsq_gradient_scale(pass->slices.slice_elements(), levels) / quantizer.mean_step;
  return QuantizeWeight::apply(weight.contiguous(), or_empty(quantizer.learned), pass);
}

quant::QuantizedTensor codes_of(const WeightQuantizer& quantizer,
                                const at::Tensor& weight,
                                std::span<const float> factors) {
  const WeightSteps steps = steps_of(quantizer, weight, factors);
  quant::QuantizedTensor codes{.params = {.bits = quantizer.bits,
                                          .symmetry = quantizer.symmetry,
                                          .granularity = quantizer.granularity,
                                          .scale = steps.folded},
                               .shape = weight.sizes().vec()};
  codes.codes.resize(static_cast<std::size_t>(weight.numel()));
  for (std::size_t s = 0; s < steps.own.size(); ++s) {
    quant::Grid grid = own_grid(quantizer, steps, s);
    if (flipped(factors, s)) {
      if (grid.set != nullptr) grid.shift = -grid.shift;
      grid.low = -quantizer.high[s];
    }
    codes.params.zero_point.push_back(quant::zero_point_of(grid));
    const bool middle = codes.params.zero_point.back() == quantizer.bits.levels() / 2;
    if (!middle && grid.set == nullptr) codes.params.symmetry = quant::Symmetry::Asymmetric;
  }
  const at::Tensor plain = weight.contiguous();
  const float* w = plain.data_ptr<float>();
  quant::for_each_run(slices_of(weight, quantizer.granularity),
                      [&](std::int64_t slice, std::int64_t at, std::int64_t count) {
                        const auto s = static_cast<std::size_t>(slice);
                        const float sign = flipped(factors, s) ? -1.0F : 1.0F;
                        const quant::Grid own = own_grid(quantizer, steps, s);
                        const quant::Grid folded = quant::grid_of(codes.params, s);
                        for (std::int64_t i = at; i < at + count; ++i) {
                          codes.codes[static_cast<std::size_t>(i)] =
                              quant::code_of_level(sign * quant::level_of(w[i], own), folded);
                        }
                      });
  return codes;
}

at::Tensor moved_to_codes(const at::Tensor& weight,
                          const quant::QuantizedTensor& codes,
                          std::span<const float> factors) {
  if (codes.shape != weight.sizes().vec()) {
    throw ShapeError("training",
                     fmt::format("codes of shape {} for a weight of shape {}",
                                 shape_text(codes.shape),
                                 shape_text(weight.sizes().vec())));
  }
  at::Tensor moved = weight.detach().contiguous().clone();
  float* w = moved.data_ptr<float>();
  const quant::QuantParams& params = codes.params;
  quant::for_each_run(slices_of(weight, params.granularity),
                      [&](std::int64_t slice, std::int64_t at, std::int64_t count) {
                        const auto s = static_cast<std::size_t>(slice);
                        const float step = params.scale[s] / magnitude(factors, s);
                        const float sign = flipped(factors, s) ? -1.0F : 1.0F;
                        const quant::Grid grid = quant::grid_of(params, s);
                        for (std::int64_t i = at; i < at + count; ++i) {
                          const std::uint8_t code = codes.codes[static_cast<std::size_t>(i)];
                          const float level = sign * quant::level_of_code(code, grid);
                          quant::Cell cell = quant::cell_of(sign * level, grid);
                          if (sign < 0) std::swap(cell.below, cell.above);
                          // Values beyond the last level quantize to it.
                          const bool first = code == 0;
                          const bool last = code == params.bits.levels() - 1;
                          const bool open_below = sign > 0 ? first : last;
                          const bool open_above = sign > 0 ? last : first;
                          const float ratio = w[i] / step;
                          const float least = level - kWithinCell * cell.below;
                          const float most = level + kWithinCell * cell.above;
                          if (!open_below && ratio < least) w[i] = least * step;
                          if (!open_above && ratio > most) w[i] = most * step;
                        }
                      });
  return moved;
}

at::Tensor straight_through(const at::Tensor& source, const at::Tensor& value) {
  return StraightThrough::apply(source, value);
}

}  // namespace ompq::training
