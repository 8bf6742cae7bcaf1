#pragma once

#include <map>
#include <string>
#include <vector>

#include <ATen/ATen.h>

#include "network_plan.h"

namespace ompq::examples {

/// Added to a variance before its root is taken, in training and in the ONNX file.
inline constexpr double kBatchNormEpsilon = 1e-5;

/// Tensors by name, such as `layer1.0.conv1.weight`; ordered, so that every walk over it is
/// reproducible.
using TensorMap = std::map<std::string, at::Tensor>;

/// A plan with float32 weights that can be trained. Activations are NHWC in memory (channels_last).
class TrainableNetwork {
 public:
  /// He initialization, drawn from LibTorch's generator after `seed`.
  TrainableNetwork(NetworkPlan plan, std::uint64_t seed);

  enum class Mode { Train, Evaluate };

  /// @param images  [n, 1, 28, 28] float32.
  /// @param compute bfloat16 or float32: the type that convolutions and activations work in.
  /// @return [n, 10] float32 logits. In `Mode::Train` the batch statistics are used and tracked.
  [[nodiscard]] at::Tensor forward(const at::Tensor& images, Mode mode, at::ScalarType compute);

  [[nodiscard]] const NetworkPlan& plan() const { return plan_; }

  /// Learned tensors (`.weight`, `.bias`): they require gradients.
  [[nodiscard]] TensorMap& parameters() { return parameters_; }
  [[nodiscard]] const TensorMap& parameters() const { return parameters_; }

  /// Running statistics of the batch normalizations (`.running_mean`, `.running_var`).
  [[nodiscard]] TensorMap& statistics() { return statistics_; }
  [[nodiscard]] const TensorMap& statistics() const { return statistics_; }

 private:
  at::Tensor run(const PlanStep& step, const std::vector<at::Tensor>& values, Mode mode);

  NetworkPlan plan_;
  TensorMap parameters_;
  TensorMap statistics_;
};

}  // namespace ompq::examples
