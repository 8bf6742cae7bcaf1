#include "ompq/training/epilogue.h"

#include <cmath>

#include <fmt/format.h>
#include <torch/csrc/autograd/custom_function.h>

#include "ompq/core/error.h"
#include "ompq/core/tensor.h"
#include "ompq/training/optional_tensor.h"

namespace ompq::training {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::Variable;
using torch::autograd::variable_list;

at::Tensor dense(const at::Tensor& x) {
  return x.dim() == 4 ? x.contiguous(at::MemoryFormat::ChannelsLast) : x.contiguous();
}

Extent extent_of(const at::Tensor& z, bool by_channel) {
  return {.type = z.scalar_type() == at::kBFloat16 ? Element::BFloat16 : Element::Float32,
          .count = z.numel(),
          .channels = by_channel ? z.size(1) : 1};
}

std::span<const float> floats(const at::Tensor& tensor) {
  return {tensor.data_ptr<float>(), static_cast<std::size_t>(tensor.numel())};
}

/// Data for the backward pass besides tensors.
struct State : torch::CustomClassHolder {
  Extent extent;
  Epilogue pass;
  std::vector<float> scale;
  std::vector<float> shift;
  std::vector<double> mean;
  std::vector<double> deviation;  ///< 1 / sqrt(variance + epsilon)
  bool batch_statistics = false;
  bool by_residual = false;
  ActivationQuantizer quantizer;  ///< shares its tensors
  std::int64_t sample_elements = 1;
};

/// Moments of the batch; also updates the running ones.
void take_batch_moments(State& state, const at::Tensor& z, const EpilogueOptions& options) {
  const ChannelSums sums = channel_sums(state.extent, z.data_ptr());
  const auto count = static_cast<double>(state.extent.count / state.extent.channels);
  float* running_mean = options.norm->mean.data_ptr<float>();
  float* running_variance = options.norm->variance.data_ptr<float>();
  for (std::size_t c = 0; c < sums.first.size(); ++c) {
    const double mean = sums.first[c] / count;
    const double variance = std::max(0.0, sums.second[c] / count - mean * mean);
    state.mean[c] = mean;
    state.deviation[c] = 1.0 / std::sqrt(variance + options.norm->epsilon);
    const double unbiased = variance * count / std::max(1.0, count - 1.0);
    const auto moved = [&](float& value, double to) {
      value = static_cast<float>((1.0 - options.momentum) * value + options.momentum * to);
    };
    moved(running_mean[c], mean);
    moved(running_variance[c], unbiased);
  }
}

void prepare_norm(State& state, const at::Tensor& z, const EpilogueOptions& options) {
  const Norm& norm = *options.norm;
  const auto channels = static_cast<std::size_t>(state.extent.channels);
  for (auto* list : {&state.mean, &state.deviation}) list->resize(channels);
  for (auto* list : {&state.scale, &state.shift}) list->resize(channels);
  state.batch_statistics = options.batch_statistics;
  if (options.batch_statistics) {
    take_batch_moments(state, z, options);
  } else {
    for (std::size_t c = 0; c < channels; ++c) {
      state.mean[c] = floats(norm.mean)[c];
      state.deviation[c] = 1.0 / std::sqrt(floats(norm.variance)[c] + norm.epsilon);
    }
  }
  for (std::size_t c = 0; c < channels; ++c) {
    const double scale = floats(norm.scale)[c] * state.deviation[c];
    state.scale[c] = static_cast<float>(scale);
    state.shift[c] = static_cast<float>(floats(norm.shift)[c] - state.mean[c] * scale);
  }
  state.pass.scale = state.scale;
  state.pass.shift = state.shift;
}

void prepare_quantizer(State& state, const at::Tensor& z, const EpilogueOptions& options) {
  ActivationQuantizer& quantizer = *options.quantizer;
  if (options.observe && quantizer.range.defined()) {
    observe(quantizer, epilogue_range(state.extent, state.pass, z.data_ptr()));
  }
  state.pass.quantized = true;
  state.pass.grid = grid_of(quantizer);
  const bool clip = quantizer.method->activations == ActivationRange::LearnedClip;
  state.pass.inside_slope = clip ? 0.0F : 1.0F;
  state.quantizer = quantizer;
}

/// Including the batch's moments: dz = a (dv - mean(dv) - z^ mean(dv z^)).
NormGradient norm_gradient(const State& state, const ChannelSums& sums) {
  const std::size_t channels = state.scale.size();
  NormGradient factors{state.scale, std::vector<float>(channels), std::vector<float>(channels)};
  if (!state.batch_statistics) return factors;
  const auto count = static_cast<double>(state.extent.count / state.extent.channels);
  for (std::size_t c = 0; c < channels; ++c) {
    const double a = state.scale[c];
    const double by_scale = (sums.second[c] - state.mean[c] * sums.first[c]) * state.deviation[c];
    const double slope = -a * state.deviation[c] * by_scale / count;
    factors.by_value[c] = static_cast<float>(slope);
    factors.constant[c] = static_cast<float>(-a * sums.first[c] / count - state.mean[c] * slope);
  }
  return factors;
}

std::pair<at::Tensor, at::Tensor> parameter_gradients(const State& state, const ChannelSums& sums) {
  at::Tensor scale = at::empty({state.extent.channels}, at::kFloat);
  at::Tensor shift = at::empty({state.extent.channels}, at::kFloat);
  for (std::size_t c = 0; c < state.scale.size(); ++c) {
    scale.data_ptr<float>()[c] =
        static_cast<float>((sums.second[c] - state.mean[c] * sums.first[c]) * state.deviation[c]);
    shift.data_ptr<float>()[c] = static_cast<float>(sums.first[c]);
  }
  return {scale, shift};
}

struct EpilogueFunction : torch::autograd::Function<EpilogueFunction> {
  static Variable forward(AutogradContext* context,
                          const Variable& z,
                          const Variable& residual,
                          const Variable& /*scale*/,
                          const Variable& /*shift*/,
                          const Variable& learned,
                          const EpilogueOptions* options) {
    auto state = c10::make_intrusive<State>();
    state->extent = extent_of(z, options->norm != nullptr);
    state->pass.min = options->min;
    state->pass.max = options->max;
    state->by_residual = residual.requires_grad();
    state->sample_elements = z.numel() / std::max<std::int64_t>(z.size(0), 1);
    if (residual.numel() > 0) state->pass.residual = residual.data_ptr();
    if (options->norm != nullptr) prepare_norm(*state, z, *options);
    if (options->quantizer != nullptr) prepare_quantizer(*state, z, *options);
    at::Tensor y = at::empty_like(z);
    epilogue_forward(state->extent, state->pass, z.data_ptr(), y.data_ptr());
    context->save_for_backward({z, residual});
    context->saved_data["by_learned"] = learned.requires_grad();
    context->saved_data["state"] = c10::IValue::make_capsule(std::move(state));
    return y;
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const variable_list saved = context->get_saved_variables();
    const auto capsule = context->saved_data["state"].toCapsule();
    const State& state = static_cast<const State&>(*capsule);
    const at::Tensor& z = saved[0];
    const at::Tensor dy = dense(gradients[0]);
    at::Tensor dv = at::empty_like(z);
    const EpilogueGradients made =
        epilogue_backward(state.extent, state.pass, z.data_ptr(), dy.data_ptr(), dv.data_ptr());
    variable_list results(6);
    if (state.by_residual) results[1] = dv;
    results[0] = dv;
    if (!state.scale.empty()) {
      results[0] = state.by_residual ? at::empty_like(z) : dv;
      norm_backward(state.extent,
                    norm_gradient(state, made.sums),
                    z.data_ptr(),
                    dv.data_ptr(),
                    results[0].data_ptr());
      std::tie(results[2], results[3]) = parameter_gradients(state, made.sums);
    }
    if (context->saved_data["by_learned"].toBool()) {
      const double gradient =
          learned_gradient(state.quantizer, made.step_gradient, state.sample_elements);
      results[4] = at::full({1}, gradient, at::kFloat);
    }
    return results;
  }
};

void check(const at::Tensor& z, const at::Tensor& residual, const EpilogueOptions& options) {
  if (residual.defined() && residual.sizes() != z.sizes()) {
    throw ShapeError("training",
                     fmt::format("a residual of shape {} for an activation of shape {}",
                                 shape_text(residual.sizes().vec()),
                                 shape_text(z.sizes().vec())));
  }
  if (options.norm == nullptr) return;
  if ((z.dim() == 4 || z.dim() == 2) && z.size(1) == options.norm->scale.numel()) return;
  throw ShapeError(
      "training",
      fmt::format("norm '{}' has {} channels and does not fit an activation of shape {}",
                  options.norm->name,
                  options.norm->scale.numel(),
                  shape_text(z.sizes().vec())));
}

}  // namespace

at::Tensor apply_epilogue(const at::Tensor& z,
                          const at::Tensor& residual,
                          const EpilogueOptions& options) {
  check(z, residual, options);
  const at::Tensor other = residual.defined() ? dense(residual.to(z.scalar_type())) : residual;
  at::Tensor scale;
  at::Tensor shift;
  if (options.norm != nullptr) {
    scale = options.norm->scale;
    shift = options.norm->shift;
  }
  const at::Tensor learned =
      options.quantizer != nullptr ? options.quantizer->learned : at::Tensor();
  return EpilogueFunction::apply(
      dense(z), or_empty(other), or_empty(scale), or_empty(shift), or_empty(learned), &options);
}

}  // namespace ompq::training
