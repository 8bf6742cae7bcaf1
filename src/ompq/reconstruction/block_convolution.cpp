#include "ompq/reconstruction/block_convolution.h"

#include <algorithm>
#include <limits>

#include "ompq/runtime/thread_scope.h"

namespace ompq::reconstruction {
namespace {

using dnnl::memory;
using runtime::DnnlTag;
using runtime::DnnlType;

constexpr auto kDirect = dnnl::algorithm::convolution_direct;

memory::dims weight_dims(const ConvolutionShape& shape) {
  const std::int64_t g = shape.groups;
  memory::dims dims{
      shape.out_channels / g, shape.in_channels / g, shape.kernel[0], shape.kernel[1]};
  if (g > 1) dims.insert(dims.begin(), g);
  return dims;
}

memory::desc image(std::int64_t batch,
                   std::int64_t channels,
                   const std::vector<std::int64_t>& extents,
                   DnnlType type) {
  return {{batch, channels, extents[0], extents[1]}, type, DnnlTag::nhwc};
}

dnnl::primitive_attr attributes(const Bounds& bounds) {
  dnnl::primitive_attr attributes;
  attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  if (!bounds.any()) return attributes;
  dnnl::post_ops post_ops;
  if (bounds == Bounds{.low = 0.0F}) {
    post_ops.append_eltwise(1.0F, dnnl::algorithm::eltwise_relu, 0.0F, 0.0F);
  } else {
    constexpr float kMost = std::numeric_limits<float>::max();
    post_ops.append_eltwise(1.0F,
                            dnnl::algorithm::eltwise_clip,
                            std::max(bounds.low, -kMost),
                            std::min(bounds.high, kMost));
  }
  attributes.set_post_ops(post_ops);
  return attributes;
}

memory view(const memory::desc& desc, const void* data) {
  return {desc, runtime::dnnl_engine(), const_cast<void*>(data)};
}

}  // namespace

BlockConvolution::BlockConvolution(const ConvolutionShape& shape,
                                   at::ScalarType type,
                                   const Bounds& bounds)
    : shape_(shape),
      type_(type),
      plain_(weight_dims(shape), DnnlType::f32, shape.groups > 1 ? DnnlTag::goihw : DnnlTag::oihw) {
  // oneDNN cuts the work into as many parts as there are threads when the primitive is made.
  const runtime::ThreadScope one_thread(1);
  for (std::int64_t& dilation : shape_.dilation) --dilation;  // oneDNN counts the gaps
  make_forward(bounds);
  make_backward();
  forward_weights_ = memory(forward_desc_.weights_desc(), runtime::dnnl_engine());
  backward_weights_ = memory(data_desc_.weights_desc(), runtime::dnnl_engine());
}

void BlockConvolution::make_forward(const Bounds& bounds) {
  const DnnlType type = runtime::dnnl_type_of(type_);
  const dnnl::convolution_forward::desc desc(
      dnnl::prop_kind::forward_training,
      kDirect,
      image(shape_.batch, shape_.in_channels, shape_.input, type),
      {weight_dims(shape_), type, DnnlTag::any},
      {{shape_.out_channels}, DnnlType::f32, DnnlTag::x},
      image(shape_.batch, shape_.out_channels, shape_.output, type),
      shape_.stride,
      shape_.dilation,
      shape_.pad_head,
      shape_.pad_tail);
  forward_desc_ = {desc, attributes(bounds), runtime::dnnl_engine()};
  forward_ = dnnl::convolution_forward(forward_desc_);
}

void BlockConvolution::make_backward() {
  const DnnlType type = runtime::dnnl_type_of(type_);
  const auto x = image(shape_.batch, shape_.in_channels, shape_.input, type);
  const auto y = image(shape_.batch, shape_.out_channels, shape_.output, type);
  const memory::desc any_weights(weight_dims(shape_), type, DnnlTag::any);
  const memory::desc any_gradient(weight_dims(shape_), DnnlType::f32, DnnlTag::any);
  const auto& s = shape_;
  const dnnl::convolution_backward_data::desc data(
      kDirect, x, any_weights, y, s.stride, s.dilation, s.pad_head, s.pad_tail);
  data_desc_ = {data, attributes({}), runtime::dnnl_engine(), forward_desc_};
  data_ = dnnl::convolution_backward_data(data_desc_);
  const dnnl::convolution_backward_weights::desc weights(
      kDirect, x, any_gradient, y, s.stride, s.dilation, s.pad_head, s.pad_tail);
  weights_desc_ = {weights, attributes({}), runtime::dnnl_engine(), forward_desc_};
  runtime::skip_broken_gradients(weights_desc_, s.in_channels / s.groups, s.kernel, s.stride);
  weights_ = dnnl::convolution_backward_weights(weights_desc_);
}

void BlockConvolution::pack(std::span<const float> weights) {
  memory plain = view(plain_, weights.data());
  runtime::dnnl_reorder(plain, forward_weights_);
  if (forward_weights_.get_desc() == backward_weights_.get_desc()) {
    backward_weights_ = forward_weights_;
  } else {
    runtime::dnnl_reorder(plain, backward_weights_);
  }
}

void BlockConvolution::forward(const void* x, const float* bias, void* y) const {
  runtime::dnnl_execute(
      forward_,
      {{DNNL_ARG_SRC, view(forward_desc_.src_desc(), x)},
       {DNNL_ARG_WEIGHTS, forward_weights_},
       {DNNL_ARG_BIAS, view(forward_desc_.bias_desc(), bias)},
       {DNNL_ARG_DST, view(forward_desc_.dst_desc(), y)},
       {DNNL_ARG_SCRATCHPAD, runtime::dnnl_scratchpad(forward_desc_.scratchpad_desc())}});
}

void BlockConvolution::backward_data(const void* dy, void* dx) const {
  runtime::dnnl_execute(
      data_,
      {{DNNL_ARG_DIFF_DST, view(data_desc_.diff_dst_desc(), dy)},
       {DNNL_ARG_WEIGHTS, backward_weights_},
       {DNNL_ARG_DIFF_SRC, view(data_desc_.diff_src_desc(), dx)},
       {DNNL_ARG_SCRATCHPAD, runtime::dnnl_scratchpad(data_desc_.scratchpad_desc())}});
}

void BlockConvolution::backward_weights(const void* x, const void* dy, float* packed) const {
  runtime::dnnl_execute(
      weights_,
      {{DNNL_ARG_SRC, view(weights_desc_.src_desc(), x)},
       {DNNL_ARG_DIFF_DST, view(weights_desc_.diff_dst_desc(), dy)},
       {DNNL_ARG_DIFF_WEIGHTS, view(weights_desc_.diff_weights_desc(), packed)},
       {DNNL_ARG_SCRATCHPAD, runtime::dnnl_scratchpad(weights_desc_.scratchpad_desc())}});
}

std::int64_t BlockConvolution::gradient_elements() const {
  return static_cast<std::int64_t>(weights_desc_.diff_weights_desc().get_size() / sizeof(float));
}

void BlockConvolution::unpack_gradient(std::span<const float> packed,
                                       std::span<float> plain) const {
  memory from = view(weights_desc_.diff_weights_desc(), packed.data());
  memory to = view(plain_, plain.data());
  runtime::dnnl_reorder(from, to);
}

}  // namespace ompq::reconstruction
