#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace ompq::examples {

/// What one step of a network computes. A convolution has no bias: a batch normalization follows
/// it.
enum class StepKind { Input, Conv, BatchNorm, Relu, Relu6, Add, GlobalAveragePool, Linear };

/// One operator of a network: its name in the ONNX file, its inputs, and its shape.
struct PlanStep {
  StepKind kind = StepKind::Input;
  std::string name;
  std::vector<std::size_t> inputs;  ///< indices of earlier steps in the plan
  std::int64_t in_channels = 0;
  std::int64_t out_channels = 0;
  std::int64_t kernel = 1;  ///< square; padded by kernel / 2, so that stride 1 keeps the size
  std::int64_t stride = 1;
  std::int64_t groups = 1;
};

/// A network as a list of steps in execution order; the first step is the input, the last the
/// output.
using NetworkPlan = std::vector<PlanStep>;

/// ResNet-20 (He et al. 2016, section 4.2) for one input channel, with projection shortcuts:
/// 272,186 parameters.
[[nodiscard]] NetworkPlan resnet20_plan();

/// Inverted residuals with linear bottlenecks (Sandler et al. 2018), sized for 28x28 images:
/// 170,826 parameters, 11.1 million multiply-accumulates an image.
[[nodiscard]] NetworkPlan mobilenetv2_plan();

/// @throws ConfigError if `name` is neither `resnet20` nor `mobilenetv2`.
[[nodiscard]] NetworkPlan plan_by_name(std::string_view name);

}  // namespace ompq::examples
