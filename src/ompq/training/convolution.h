#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <vector>

#include <ATen/ATen.h>

#include "ompq/runtime/convolution_passes.h"

namespace ompq::training {

/// The passes of one layer, cached by shape. Must outlive the gradients of results of convolve().
class ConvolutionCache {
 public:
  runtime::ConvolutionPasses& passes(const runtime::ConvolutionShape& shape, at::ScalarType type);

 private:
  std::map<std::vector<std::int64_t>, std::unique_ptr<runtime::ConvolutionPasses>> passes_;
};

/// y = conv(x, weight) + bias, differentiable in all three.
/// @param x   [n, c, h, w], channels_last; float32 or bfloat16, also the result's type.
/// @param weight  [out, in / groups, kh, kw] float32; rounded to x's type.
/// @param bias    [out] float32, or undefined.
[[nodiscard]] at::Tensor convolve(ConvolutionCache& cache,
                                  const runtime::ConvolutionShape& shape,
                                  const at::Tensor& x,
                                  const at::Tensor& weight,
                                  const at::Tensor& bias);

}  // namespace ompq::training
