#pragma once

#include <ATen/ATen.h>

/// LibTorch 1.13's autograd functions do not accept undefined tensors, so an empty one is used
/// instead.
namespace ompq::training {

[[nodiscard]] inline at::Tensor or_empty(const at::Tensor& tensor) {
  return tensor.defined() ? tensor : at::empty({0}, at::kFloat);
}
[[nodiscard]] inline at::Tensor or_undefined(const at::Tensor& tensor) {
  return tensor.numel() > 0 ? tensor : at::Tensor();
}

}  // namespace ompq::training
