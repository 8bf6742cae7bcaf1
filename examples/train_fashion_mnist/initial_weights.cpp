#include "initial_weights.h"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "ompq/core/random.h"

namespace ompq::examples {
namespace {

Tensor filled(std::int64_t count, float value) {
  Tensor tensor(DataType::Float32, {count});
  std::ranges::fill(tensor.mutable_data<float>(), value);
  return tensor;
}

Tensor normal(std::vector<std::int64_t> shape, double deviation, Random random) {
  Tensor tensor(DataType::Float32, std::move(shape));
  for (float& element : tensor.mutable_data<float>()) {
    element = static_cast<float>(deviation * random.normal());
  }
  return tensor;
}

/// Fan-out of a kernel, or fan-in if it reads a single channel.
std::int64_t fan_of(const PlanStep& step) {
  const std::int64_t taps = step.kernel * step.kernel;
  const bool single_channel = step.in_channels == step.groups;
  return single_channel ? taps : step.out_channels * taps;
}

}  // namespace

TensorMap initial_weights(const NetworkPlan& plan, std::uint64_t seed) {
  TensorMap tensors;
  for (const PlanStep& step : plan) {
    const std::int64_t out = step.out_channels;
    const std::string weight = step.name + ".weight";
    const Random random = Random(seed).split(weight);
    if (step.kind == StepKind::Conv) {
      const double deviation = std::sqrt(2.0 / static_cast<double>(fan_of(step)));
      tensors[weight] = normal(
          {out, step.in_channels / step.groups, step.kernel, step.kernel}, deviation, random);
    } else if (step.kind == StepKind::Linear) {
      const double deviation = 1.0 / std::sqrt(static_cast<double>(step.in_channels));
      tensors[weight] = normal({out, step.in_channels}, deviation, random);
      tensors[step.name + ".bias"] = filled(out, 0.0F);
    } else if (step.kind == StepKind::BatchNorm) {
      tensors[weight] = filled(out, 1.0F);
      tensors[step.name + ".bias"] = filled(out, 0.0F);
      tensors[step.name + ".running_mean"] = filled(out, 0.0F);
      tensors[step.name + ".running_var"] = filled(out, 1.0F);
    }
  }
  return tensors;
}

}  // namespace ompq::examples
