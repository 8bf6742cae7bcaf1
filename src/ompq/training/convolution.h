#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <vector>

#include <ATen/ATen.h>

#include "ompq/reconstruction/block_convolution.h"

namespace ompq::training {

/// Forward and backward passes of one convolution for one shape on oneDNN, on all threads.
class ConvolutionPasses;

/// The passes of one layer, by the shapes that it has met. Must outlive the gradients of what
/// convolve() made with it.
class ConvolutionCache {
 public:
  ConvolutionCache();
  ~ConvolutionCache();
  ConvolutionCache(ConvolutionCache&&) noexcept;
  ConvolutionCache& operator=(ConvolutionCache&&) noexcept;
  ConvolutionPasses& passes(const reconstruction::ConvolutionShape& shape, at::ScalarType type);

 private:
  std::map<std::vector<std::int64_t>, std::unique_ptr<ConvolutionPasses>> passes_;
};

/// y = conv(x, weight) + bias, differentiable in all three.
/// @param x       [n, c, h, w], channels_last; float32 or bfloat16, which is that of the result.
/// @param weight  [out, in / groups, kh, kw] float32; rounded to x's type.
/// @param bias    [out] float32, or undefined.
[[nodiscard]] at::Tensor convolve(ConvolutionCache& cache,
                                  const reconstruction::ConvolutionShape& shape,
                                  const at::Tensor& x,
                                  const at::Tensor& weight,
                                  const at::Tensor& bias);

}  // namespace ompq::training
