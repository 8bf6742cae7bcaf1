#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include <ATen/ATen.h>
#include <dnnl.hpp>

#include "ompq/ops/operator.h"
#include "ompq/runtime/dnnl_support.h"

namespace ompq::runtime {

/// The parameters of a 2-D convolution on channels-last images. A matrix product with r rows is a
/// 1x1 convolution on one image of 1 x r.
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

/// The shape of a Conv node over two spatial axes, attributes resolved (ops/window.h); one spatial
/// axis is an image of one row.
/// @param x, weight  extents: [n, c, h, w] and [out, in / groups, kh, kw], or one axis less each.
/// @throws ShapeError naming the node.
[[nodiscard]] ConvolutionShape convolution_shape(const ops::OpContext& context,
                                                 std::span<const std::int64_t> x,
                                                 std::span<const std::int64_t> weight);
/// A matrix product of [rows, in] with [in, out].
[[nodiscard]] ConvolutionShape product_shape(std::int64_t rows, std::int64_t in, std::int64_t out);

/// oneDNN's descriptor of row-major [out, in / groups, kh, kw] float32 (with an axis of groups).
[[nodiscard]] dnnl::memory::desc plain_weights(const ConvolutionShape& shape);

/// Data types of the primitives of one convolution.
struct ConvolutionTypes {
  DnnlType activations = DnnlType::f32;  ///< of images, their gradients and packed weights
  DnnlType result = DnnlType::f32;       ///< of the forward pass's output
};

/// The forward pass: y = after(conv(x, weights) + bias), bias float32. oneDNN chooses the layout of
/// weights.
/// @param after  post-ops and scratchpad mode.
[[nodiscard]] dnnl::convolution_forward::primitive_desc convolution_forward_desc(
    const ConvolutionShape& shape,
    dnnl::prop_kind kind,
    const ConvolutionTypes& types,
    bool has_bias,
    const dnnl::primitive_attr& after);

/// Forward and backward passes of a convolution whose weights change with every step, on oneDNN.
/// One object may run passes on several threads at once. oneDNN divides the work by the number of
/// threads (ThreadScope) when the object is created. LibTorch 1.13 takes about ten times as long
/// for the backward pass of a depthwise convolution.
///
///   z[n, o] = sum over c, k of w[o, c, k] x[n, c, stride p + dilation k - head] + b[o]
///   y = after(z);  dx, dw: gradients with respect to x and w, from dy = dL/dz
class ConvolutionPasses {
 public:
  /// @param type  float32 or bfloat16, for images, their gradients and packed weights; sums are
  /// float32.
  /// @param after  post-ops after the sum in the forward pass.
  ConvolutionPasses(const ConvolutionShape& shape,
                    at::ScalarType type,
                    const dnnl::post_ops& after = {});

  [[nodiscard]] const ConvolutionShape& shape() const { return shape_; }

  /// Layouts of the weights for forward() and for backward_data().
  [[nodiscard]] dnnl::memory::desc forward_weights() const { return forward_desc_.weights_desc(); }
  [[nodiscard]] dnnl::memory::desc backward_weights() const { return data_desc_.weights_desc(); }
  /// `plain` (row-major float32) in layout `wanted`: itself if the layouts are equal (valid as long
  /// as `plain`), else a copy.
  [[nodiscard]] dnnl::memory packed(const float* plain, const dnnl::memory::desc& wanted) const;
  /// `plain` in the layout of `to`.
  void pack(const float* plain, dnnl::memory& to) const;

  /// Images are dense, channels last; bias float32, out_channels long.
  void forward(const void* x, const dnnl::memory& weights, const float* bias, void* y) const;
  /// dx from dy.
  void backward_data(const void* dy, const dnnl::memory& weights, void* dx) const;
  /// Gradient of the weights in oneDNN's layout, gradient_elements() long; overwritten. The
  /// gradient of a bias is the sum of dy over all other axes and is not computed here: oneDNN 2.6
  /// adds it up element by element, which takes 25 % more time for 16 x 16 weights.
  void backward_weights(const void* x, const void* dy, float* gradient) const;
  [[nodiscard]] std::int64_t gradient_elements() const;
  /// The same gradient in row-major layout.
  void unpack_gradient(const float* gradient, float* plain) const;

 private:
  void make_forward(const dnnl::post_ops& after);
  void make_backward();

  ConvolutionShape shape_;
  DnnlType type_;
  dnnl::memory::desc plain_;
  dnnl::convolution_forward::primitive_desc forward_desc_;
  dnnl::convolution_backward_data::primitive_desc data_desc_;
  dnnl::convolution_backward_weights::primitive_desc weights_desc_;
  dnnl::convolution_forward forward_;
  dnnl::convolution_backward_data data_;
  dnnl::convolution_backward_weights weights_;
};

}  // namespace ompq::runtime
