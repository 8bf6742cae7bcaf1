#include "ompq/runtime/convolution_passes.h"

#include <utility>

#include "ompq/ops/window.h"

namespace ompq::runtime {
namespace {

using dnnl::memory;

constexpr auto kDirectConvolution = dnnl::algorithm::convolution_direct;

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

/// oneDNN's dilation is 0-based.
std::vector<std::int64_t> gaps(const ConvolutionShape& shape) {
  std::vector<std::int64_t> gaps = shape.dilation;
  for (std::int64_t& gap : gaps) --gap;
  return gaps;
}

memory view_of_memory(const memory::desc& desc, const void* data) {
  return {desc, dnnl_engine(), const_cast<void*>(data)};
}

dnnl::primitive_attr own_scratchpad() {
  dnnl::primitive_attr attributes;
  attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  return attributes;
}

/// An image of one row.
std::vector<std::int64_t> with_rows(std::span<const std::int64_t> extents) {
  std::vector<std::int64_t> image(extents.begin(), extents.end());
  if (image.size() == 3) image.insert(image.begin() + 2, 1);
  return image;
}

}  // namespace

ConvolutionShape convolution_shape(const ops::OpContext& context,
                                   std::span<const std::int64_t> x,
                                   std::span<const std::int64_t> weight) {
  ops::Window window = ops::sliding_window(context, x.subspan(2), weight.subspan(2));
  if (window.axes() == 1) {
    for (auto* list : {&window.kernel, &window.stride, &window.dilation, &window.output}) {
      list->insert(list->begin(), 1);
    }
    window.pad_head.insert(window.pad_head.begin(), 0);
    window.pad_tail.insert(window.pad_tail.begin(), 0);
  }
  const std::vector<std::int64_t> extents = with_rows(x);
  return {.batch = extents[0],
          .in_channels = extents[1],
          .out_channels = weight[0],
          .groups = context.node.int_attribute("group", 1),
          .input = {extents[2], extents[3]},
          .output = window.output,
          .kernel = window.kernel,
          .stride = window.stride,
          .dilation = window.dilation,
          .pad_head = window.pad_head,
          .pad_tail = window.pad_tail};
}

ConvolutionShape product_shape(std::int64_t rows, std::int64_t in, std::int64_t out) {
  return {.in_channels = in, .out_channels = out, .input = {1, rows}, .output = {1, rows}};
}

memory::desc plain_weights(const ConvolutionShape& shape) {
  return {weight_dims(shape), DnnlType::f32, shape.groups > 1 ? DnnlTag::goihw : DnnlTag::oihw};
}

dnnl::convolution_forward::primitive_desc convolution_forward_desc(
    const ConvolutionShape& shape,
    dnnl::prop_kind kind,
    const ConvolutionTypes& types,
    bool has_bias,
    const dnnl::primitive_attr& after) {
  const memory::desc bias =
      has_bias ? memory::desc({shape.out_channels}, DnnlType::f32, DnnlTag::x) : memory::desc();
  return dnnl_describe<dnnl::convolution_forward>(
      after,
      kind,
      kDirectConvolution,
      image(shape.batch, shape.in_channels, shape.input, types.activations),
      memory::desc(weight_dims(shape), types.activations, DnnlTag::any),
      bias,
      image(shape.batch, shape.out_channels, shape.output, types.result),
      shape.stride,
      gaps(shape),
      shape.pad_head,
      shape.pad_tail);
}

ConvolutionPasses::ConvolutionPasses(const ConvolutionShape& shape,
                                     at::ScalarType type,
                                     const dnnl::post_ops& after)
    : shape_(shape), type_(dnnl_type_of(type)), plain_(plain_weights(shape)) {
  make_forward(after);
  make_backward();
}

void ConvolutionPasses::make_forward(const dnnl::post_ops& after) {
  dnnl::primitive_attr attributes = own_scratchpad();
  if (after.len() > 0) attributes.set_post_ops(after);
  forward_desc_ = convolution_forward_desc(shape_,
                                           dnnl::prop_kind::forward_training,
                                           {type_, type_},
                                           /*has_bias=*/true,
                                           attributes);
  forward_ = dnnl::convolution_forward(forward_desc_);
}

void ConvolutionPasses::make_backward() {
  const auto x = image(shape_.batch, shape_.in_channels, shape_.input, type_);
  const auto y = image(shape_.batch, shape_.out_channels, shape_.output, type_);
  const memory::desc any_weights(weight_dims(shape_), type_, DnnlTag::any);
  const memory::desc any_gradient(weight_dims(shape_), DnnlType::f32, DnnlTag::any);
  const auto& s = shape_;
  const auto attributes = own_scratchpad();
  data_desc_ = dnnl_describe_gradient<dnnl::convolution_backward_data>(attributes,
                                                                       forward_desc_,
                                                                       kDirectConvolution,
                                                                       x,
                                                                       any_weights,
                                                                       y,
                                                                       s.stride,
                                                                       gaps(s),
                                                                       s.pad_head,
                                                                       s.pad_tail);
  data_ = dnnl::convolution_backward_data(data_desc_);
  weights_desc_ = dnnl_describe_gradient<dnnl::convolution_backward_weights>(attributes,
                                                                             forward_desc_,
                                                                             kDirectConvolution,
                                                                             x,
                                                                             any_gradient,
                                                                             y,
                                                                             s.stride,
                                                                             gaps(s),
                                                                             s.pad_head,
                                                                             s.pad_tail);
  skip_broken_gradients(weights_desc_, s.in_channels / s.groups, s.kernel, s.stride);
  weights_ = dnnl::convolution_backward_weights(weights_desc_);
}

memory ConvolutionPasses::packed(const float* plain, const memory::desc& wanted) const {
  memory from = view_of_memory(plain_, plain);
  if (plain_ == wanted) return from;
  memory to(wanted, dnnl_engine());
  pack(plain, to);
  return to;
}

void ConvolutionPasses::pack(const float* plain, memory& to) const {
  memory from = view_of_memory(plain_, plain);
  dnnl_reorder(from, to);
}

void ConvolutionPasses::forward(const void* x,
                                const memory& weights,
                                const float* bias,
                                void* y) const {
  dnnl_execute(forward_,
               {{DNNL_ARG_SRC, view_of_memory(forward_desc_.src_desc(), x)},
                {DNNL_ARG_WEIGHTS, weights},
                {DNNL_ARG_BIAS, view_of_memory(forward_desc_.bias_desc(), bias)},
                {DNNL_ARG_DST, view_of_memory(forward_desc_.dst_desc(), y)},
                {DNNL_ARG_SCRATCHPAD, dnnl_scratchpad(forward_desc_.scratchpad_desc())}});
}

void ConvolutionPasses::backward_data(const void* dy, const memory& weights, void* dx) const {
  dnnl_execute(data_,
               {{DNNL_ARG_DIFF_DST, view_of_memory(data_desc_.diff_dst_desc(), dy)},
                {DNNL_ARG_WEIGHTS, weights},
                {DNNL_ARG_DIFF_SRC, view_of_memory(data_desc_.diff_src_desc(), dx)},
                {DNNL_ARG_SCRATCHPAD, dnnl_scratchpad(data_desc_.scratchpad_desc())}});
}

void ConvolutionPasses::backward_weights(const void* x, const void* dy, float* gradient) const {
  dnnl_execute(
      weights_,
      {{DNNL_ARG_SRC, view_of_memory(weights_desc_.src_desc(), x)},
       {DNNL_ARG_DIFF_DST, view_of_memory(weights_desc_.diff_dst_desc(), dy)},
       {DNNL_ARG_DIFF_WEIGHTS, view_of_memory(weights_desc_.diff_weights_desc(), gradient)},
       {DNNL_ARG_SCRATCHPAD, dnnl_scratchpad(weights_desc_.scratchpad_desc())}});
}

std::int64_t ConvolutionPasses::gradient_elements() const {
  return static_cast<std::int64_t>(weights_desc_.diff_weights_desc().get_size() / sizeof(float));
}

void ConvolutionPasses::unpack_gradient(const float* gradient, float* plain) const {
  memory from = view_of_memory(weights_desc_.diff_weights_desc(), gradient);
  memory to = view_of_memory(plain_, plain);
  dnnl_reorder(from, to);
}

}  // namespace ompq::runtime
