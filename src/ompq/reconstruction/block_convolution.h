#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include <ATen/ATen.h>
#include <dnnl.hpp>

#include "ompq/reconstruction/block_kernels.h"
#include "ompq/runtime/dnnl_support.h"

namespace ompq::reconstruction {

/// A 2-D convolution over channels-last images, with everything resolved. A matrix product of r
/// rows is a 1x1 convolution over one image of 1 x r.
struct ConvolutionShape {
  std::int64_t batch = 1;
  std::int64_t in_channels = 0;
  std::int64_t out_channels = 0;
  std::int64_t groups = 1;
  std::vector<std::int64_t> input{1, 1};   ///< height, width
  std::vector<std::int64_t> output{1, 1};  ///< height, width
  std::vector<std::int64_t> kernel{1, 1};
  std::vector<std::int64_t> stride{1, 1};
  std::vector<std::int64_t> dilation{1, 1};
  std::vector<std::int64_t> pad_head{0, 0};
  std::vector<std::int64_t> pad_tail{0, 0};

  [[nodiscard]] std::int64_t weight_count() const {
    return out_channels * (in_channels / groups) * kernel[0] * kernel[1];
  }
};

/// Forward and backward pass of a convolution on oneDNN, made for reconstruction: the weights
/// change with every step, one pass runs on one thread, and several threads run passes over
/// different images side by side. LibTorch 1.13 takes some ten times as long for the backward pass
/// of a depthwise convolution.
class BlockConvolution {
 public:
  /// @param type  float32 or bfloat16: of images, their gradients and packed weights; sums are
  /// float32.
  BlockConvolution(const ConvolutionShape& shape, at::ScalarType type, const Bounds& bounds);

  /// New weights, row-major [out, in / groups, kh, kw]. Not while a pass runs.
  void pack(std::span<const float> weights);

  /// y = bounded(conv(x) + bias). Images are dense, channels last.
  void forward(const void* x, const float* bias, void* y) const;
  /// dx from dy, the gradient of what the bounds cut.
  void backward_data(const void* dy, void* dx) const;
  /// Gradient of the weights in oneDNN's own layout, gradient_elements() long; overwritten. That of
  /// a bias is accumulate_channels(): oneDNN 2.6 adds it up element by element.
  void backward_weights(const void* x, const void* dy, float* packed) const;
  [[nodiscard]] std::int64_t gradient_elements() const;
  /// The same gradient row-major.
  void unpack_gradient(std::span<const float> packed, std::span<float> plain) const;

 private:
  void make_forward(const Bounds& bounds);
  void make_backward();

  ConvolutionShape shape_;
  at::ScalarType type_;
  dnnl::memory::desc plain_;
  dnnl::convolution_forward::primitive_desc forward_desc_;
  dnnl::convolution_backward_data::primitive_desc data_desc_;
  dnnl::convolution_backward_weights::primitive_desc weights_desc_;
  dnnl::convolution_forward forward_;
  dnnl::convolution_backward_data data_;
  dnnl::convolution_backward_weights weights_;
  dnnl::memory forward_weights_;
  dnnl::memory backward_weights_;  ///< as backward_data reads them
};

}  // namespace ompq::reconstruction
