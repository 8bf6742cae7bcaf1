#pragma once

#include <string>
#include <vector>

#include <ATen/ATen.h>

namespace ompq::training {

/// What a parameter is for: weight decay spares all but weights.
enum class Role { Weight, Bias, Norm, Step, Clip, Other };

/// A leaf that gradients are recorded for.
struct Parameter {
  std::string name;  ///< the value's; "<value>.step" or "<value>.clip" for quantizers
  Role role = Role::Weight;
  at::Tensor tensor;
  std::vector<float>
      floor;  ///< elements stay at or above it; empty: free; one for all, or one each
};

/// State that is no parameter: running statistics, observed ranges.
struct Buffer {
  std::string name;
  at::Tensor tensor;
};

}  // namespace ompq::training
