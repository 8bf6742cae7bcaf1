#pragma once

#include <string>
#include <vector>

#include <ATen/ATen.h>

namespace ompq::training {

/// The kind of a parameter; weight decay is applied only to weights.
enum class Role { Weight, Bias, Norm, Step, Clip, Other };

/// A leaf tensor with gradient.
struct Parameter {
  std::string name;  ///< the value's; "<value>.step" or "<value>.clip" for quantizers
  Role role = Role::Weight;
  at::Tensor tensor;
  std::vector<float>
      floor;  ///< lower limit of elements; empty: none; one for all, or one per element
};

/// State that is not a parameter: running statistics, observed ranges.
struct Buffer {
  std::string name;
  at::Tensor tensor;
};

}  // namespace ompq::training
