#include "ompq/training/optimizers.h"

#include <algorithm>
#include <cmath>

#include "ompq/core/row_table.h"

namespace ompq::training {
namespace {

void sgd(std::span<float> value,
         std::span<const float> gradient,
         std::span<float> first,
         std::span<float>,
         const OptimizerStep& step,
         const OptimizerOptions& options) {
  const auto rate = static_cast<float>(step.rate);
  const auto decay = static_cast<float>(step.weight_decay);
  const auto momentum = static_cast<float>(options.momentum);
  const bool nesterov = options.nesterov;
#pragma omp simd
  for (std::size_t i = 0; i < value.size(); ++i) {
    const float g = gradient[i] + decay * value[i];
    first[i] = momentum * first[i] + g;
    value[i] -= rate * (nesterov ? g + momentum * first[i] : first[i]);
  }
}

void adamw(std::span<float> value,
           std::span<const float> gradient,
           std::span<float> first,
           std::span<float> second,
           const OptimizerStep& step,
           const OptimizerOptions& options) {
  const auto number = static_cast<double>(step.number);
  const auto b1 = static_cast<float>(options.first_decay);
  const auto b2 = static_cast<float>(options.second_decay);
  const auto epsilon = static_cast<float>(options.epsilon);
  const auto rate = static_cast<float>(step.rate / (1.0 - std::pow(options.first_decay, number)));
  const auto unbias =
      static_cast<float>(1.0 / std::sqrt(1.0 - std::pow(options.second_decay, number)));
  const auto keep = static_cast<float>(1.0 - step.rate * step.weight_decay);
#pragma omp simd
  for (std::size_t i = 0; i < value.size(); ++i) {
    const float g = gradient[i];
    first[i] = b1 * first[i] + (1.0F - b1) * g;
    second[i] = b2 * second[i] + (1.0F - b2) * g * g;
    value[i] = keep * value[i] - rate * first[i] / (std::sqrt(second[i]) * unbias + epsilon);
  }
}

std::span<float> values_of(const at::Tensor& tensor) {
  if (!tensor.defined()) return {};
  return {tensor.data_ptr<float>(), static_cast<std::size_t>(tensor.numel())};
}

double decay_of(const Parameter& parameter, const OptimizerOptions& options) {
  return parameter.role == Role::Weight ? options.weight_decay : 0.0;
}

}  // namespace

std::span<const OptimizerRow> optimizers() {
  static constexpr OptimizerRow kRows[] = {
      {"sgd", "stochastic gradient descent with momentum", false, sgd},
      {"adamw", "Adam with decoupled weight decay", true, adamw},
  };
  return kRows;
}

const OptimizerRow& find_optimizer(std::string_view name) {
  return row_named(optimizers(), name, "training", "optimizer");
}

std::vector<Moments> make_moments(const OptimizerRow& optimizer,
                                  std::span<const Parameter> parameters) {
  std::vector<Moments> moments;
  for (const Parameter& parameter : parameters) {
    Moments own{at::zeros(parameter.tensor.sizes(), at::kFloat), {}};
    if (optimizer.second_moment) own.second = at::zeros_like(own.first);
    moments.push_back(std::move(own));
  }
  return moments;
}

double clip_gradients(std::span<const Parameter> parameters, double limit) {
  double sum = 0.0;
  for (const Parameter& parameter : parameters) {
    if (!parameter.tensor.grad().defined()) continue;
    const at::Tensor gradient = parameter.tensor.grad().contiguous();
    for (const float g : values_of(gradient)) sum += static_cast<double>(g) * g;
  }
  const double length = std::sqrt(sum);
  if (!(limit > 0.0) || !(length > limit)) return length;
  for (const Parameter& parameter : parameters) {
    if (parameter.tensor.grad().defined()) parameter.tensor.grad().mul_(limit / length);
  }
  return length;
}

void apply_gradients(const OptimizerRow& optimizer,
                     const OptimizerOptions& options,
                     double rate,
                     std::int64_t number,
                     std::span<Parameter> parameters,
                     std::span<Moments> moments) {
  for (std::size_t p = 0; p < parameters.size(); ++p) {
    const Parameter& parameter = parameters[p];
    if (!parameter.tensor.grad().defined()) continue;
    at::Tensor gradient = parameter.tensor.grad().contiguous();
    if (parameter.role == Role::Clip && options.clip_decay > 0.0) {
      gradient = gradient + options.clip_decay * parameter.tensor.detach();
    }
    optimizer.update(values_of(parameter.tensor),
                     values_of(gradient),
                     values_of(moments[p].first),
                     values_of(moments[p].second),
                     {rate, decay_of(parameter, options), number},
                     options);
  }
}

void update_averages(double decay,
                     std::int64_t number,
                     std::span<const at::Tensor> values,
                     std::span<at::Tensor> averages) {
  const auto count = static_cast<double>(number);
  const auto keep = static_cast<float>(std::min(decay, (1.0 + count) / (10.0 + count)));
  for (std::size_t v = 0; v < values.size(); ++v) {
    const std::span<float> average = values_of(averages[v]);
    const std::span<const float> value = values_of(values[v]);
#pragma omp simd
    for (std::size_t i = 0; i < average.size(); ++i) {
      average[i] = keep * average[i] + (1.0F - keep) * value[i];
    }
  }
}

}  // namespace ompq::training
