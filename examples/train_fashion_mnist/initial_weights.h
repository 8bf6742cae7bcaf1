#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "network_plan.h"
#include "ompq/core/tensor.h"

namespace ompq::examples {

/// Tensors by name, such as `layer1.0.conv1.weight`.
using TensorMap = std::map<std::string, Tensor>;

/// The initial weights of a network, float32. Convolutions (`.weight`): normal, deviation sqrt(2 /
/// fan-out), or fan-in where kernels read a single channel; the classifier (`.weight`, `.bias`):
/// normal, deviation 1 / sqrt(inputs), and 0; batch normalizations (`.weight`, `.bias`,
/// `.running_mean`, `.running_var`): 1, 0, 0, 1. Each tensor has its own random stream, so that
/// adding steps to a plan does not change the others. Source: He et al. 2015, "Delving Deep into
/// Rectifiers", section 2.2.
[[nodiscard]] TensorMap initial_weights(const NetworkPlan& plan, std::uint64_t seed);

}  // namespace ompq::examples
