#include "trainable_network.h"

#include <cmath>

namespace ompq::examples {
namespace {

constexpr double kBatchNormMomentum = 0.1;

at::Tensor learned(at::Tensor value) { return value.requires_grad_(true); }

/// Equal to clamp(x, 0, 6), exact in bfloat16 below 512. The gradients of clamp and hardtanh are
/// ten times slower in LibTorch 1.13 (bfloat16) or absent; that of relu is vectorized.
at::Tensor differentiable_relu6(const at::Tensor& x) { return at::relu(x) - at::relu(x - 6.0); }

at::Tensor he_normal(at::IntArrayRef shape) {
  const auto fan_out = static_cast<double>(shape[0] * shape[2] * shape[3]);
  // Depthwise kernels have one input channel a group: there fan-in is the honest count.
  const double fan = shape[1] == 1 ? static_cast<double>(shape[2] * shape[3]) : fan_out;
  return at::randn(shape).mul_(std::sqrt(2.0 / fan));
}

}  // namespace

TrainableNetwork::TrainableNetwork(NetworkPlan plan, std::uint64_t seed) : plan_(std::move(plan)) {
  at::manual_seed(seed);
  for (const PlanStep& step : plan_) {
    const std::int64_t out = step.out_channels;
    if (step.kind == StepKind::Conv) {
      const std::int64_t in = step.in_channels / step.groups;
      parameters_[step.name + ".weight"] = learned(he_normal({out, in, step.kernel, step.kernel}));
    } else if (step.kind == StepKind::BatchNorm) {
      parameters_[step.name + ".weight"] = learned(at::ones({out}));
      parameters_[step.name + ".bias"] = learned(at::zeros({out}));
      statistics_[step.name + ".running_mean"] = at::zeros({out});
      statistics_[step.name + ".running_var"] = at::ones({out});
    } else if (step.kind == StepKind::Linear) {
      const double deviation = 1.0 / std::sqrt(static_cast<double>(step.in_channels));
      parameters_[step.name + ".weight"] =
          learned(at::randn({out, step.in_channels}).mul_(deviation));
      parameters_[step.name + ".bias"] = learned(at::zeros({out}));
    }
  }
}

at::Tensor TrainableNetwork::forward(const at::Tensor& images, Mode mode, at::ScalarType compute) {
  std::vector<at::Tensor> values;
  values.reserve(plan_.size());
  values.push_back(images.to(compute, false, false, at::MemoryFormat::ChannelsLast));
  for (std::size_t i = 1; i < plan_.size(); ++i) values.push_back(run(plan_[i], values, mode));
  return values.back();
}

at::Tensor TrainableNetwork::run(const PlanStep& step,
                                 const std::vector<at::Tensor>& values,
                                 Mode mode) {
  const at::Tensor& x = values[step.inputs.front()];
  switch (step.kind) {
    case StepKind::Conv: {
      const std::int64_t pad = step.kernel / 2;
      const at::Tensor weight =
          parameters_.at(step.name + ".weight")
              .to(x.scalar_type(), false, false, at::MemoryFormat::ChannelsLast);
      return at::conv2d(x, weight, {}, {step.stride, step.stride}, {pad, pad}, {1, 1}, step.groups);
    }
    case StepKind::BatchNorm:
      return at::batch_norm(x,
                            parameters_.at(step.name + ".weight"),
                            parameters_.at(step.name + ".bias"),
                            statistics_.at(step.name + ".running_mean"),
                            statistics_.at(step.name + ".running_var"),
                            mode == Mode::Train,
                            kBatchNormMomentum,
                            kBatchNormEpsilon,
                            false);
    case StepKind::Relu:
      return at::relu(x);
    case StepKind::Relu6:
      return mode == Mode::Train ? differentiable_relu6(x) : at::clamp(x, 0.0, 6.0);
    case StepKind::Add:
      return x + values[step.inputs.back()];
    case StepKind::GlobalAveragePool:
      return x.to(at::kFloat).mean({2, 3});
    case StepKind::Linear:
      return at::linear(
          x, parameters_.at(step.name + ".weight"), parameters_.at(step.name + ".bias"));
    case StepKind::Input:
      break;
  }
  return x;
}

}  // namespace ompq::examples
