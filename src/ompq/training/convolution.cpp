#include "ompq/training/convolution.h"

#include <algorithm>

#include <torch/csrc/autograd/custom_function.h>

#include "ompq/training/kernels.h"
#include "ompq/training/optional_tensor.h"

namespace ompq::training {
namespace {

using dnnl::memory;
using runtime::DnnlTag;
using runtime::DnnlType;
using torch::autograd::AutogradContext;
using torch::autograd::Variable;
using torch::autograd::variable_list;

constexpr auto kDirect = dnnl::algorithm::convolution_direct;

memory::dims weight_dims(const reconstruction::ConvolutionShape& shape) {
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

memory view(const memory::desc& desc, const void* data) {
  return {desc, runtime::dnnl_engine(), const_cast<void*>(data)};
}

dnnl::primitive_attr own_scratchpad() {
  dnnl::primitive_attr attributes;
  attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  return attributes;
}

std::vector<std::int64_t> key_of(const reconstruction::ConvolutionShape& s, at::ScalarType type) {
  std::vector<std::int64_t> key{
      static_cast<std::int64_t>(type), s.batch, s.in_channels, s.out_channels, s.groups};
  for (const auto* list :
       {&s.input, &s.output, &s.kernel, &s.stride, &s.dilation, &s.pad_head, &s.pad_tail}) {
    key.insert(key.end(), list->begin(), list->end());
  }
  return key;
}

}  // namespace

class ConvolutionPasses {
 public:
  ConvolutionPasses(const reconstruction::ConvolutionShape& shape, at::ScalarType type)
      : shape_(shape),
        type_(type),
        plain_(
            weight_dims(shape), DnnlType::f32, shape.groups > 1 ? DnnlTag::goihw : DnnlTag::oihw) {
    for (std::int64_t& dilation : shape_.dilation) --dilation;  // oneDNN counts the gaps
    make_forward();
    make_backward();
  }

  [[nodiscard]] at::Tensor forward(const at::Tensor& x,
                                   const at::Tensor& weight,
                                   const at::Tensor& bias) {
    at::Tensor y =
        at::empty({shape_.batch, shape_.out_channels, shape_.output[0], shape_.output[1]},
                  x.options(),
                  at::MemoryFormat::ChannelsLast);
    memory packed = pack(weight, forward_desc_.weights_desc());
    const at::Tensor offset = bias.defined() ? bias : zeros();
    runtime::dnnl_execute(
        forward_,
        {{DNNL_ARG_SRC, view(forward_desc_.src_desc(), x.data_ptr())},
         {DNNL_ARG_WEIGHTS, packed},
         {DNNL_ARG_BIAS, view(forward_desc_.bias_desc(), offset.data_ptr())},
         {DNNL_ARG_DST, view(forward_desc_.dst_desc(), y.data_ptr())},
         {DNNL_ARG_SCRATCHPAD, runtime::dnnl_scratchpad(forward_desc_.scratchpad_desc())}});
    return y;
  }

  [[nodiscard]] at::Tensor backward_data(const at::Tensor& weight, const at::Tensor& dy) {
    at::Tensor dx = at::empty({shape_.batch, shape_.in_channels, shape_.input[0], shape_.input[1]},
                              dy.options(),
                              at::MemoryFormat::ChannelsLast);
    memory packed = pack(weight, data_desc_.weights_desc());
    runtime::dnnl_execute(
        data_,
        {{DNNL_ARG_DIFF_DST, view(data_desc_.diff_dst_desc(), dy.data_ptr())},
         {DNNL_ARG_WEIGHTS, packed},
         {DNNL_ARG_DIFF_SRC, view(data_desc_.diff_src_desc(), dx.data_ptr())},
         {DNNL_ARG_SCRATCHPAD, runtime::dnnl_scratchpad(data_desc_.scratchpad_desc())}});
    return dx;
  }

  [[nodiscard]] at::Tensor backward_weights(const at::Tensor& x,
                                            const at::Tensor& weight,
                                            const at::Tensor& dy) {
    at::Tensor by_weight = at::empty(weight.sizes(), weight.options());
    memory packed(weights_desc_.diff_weights_desc(), runtime::dnnl_engine());
    runtime::dnnl_execute(
        weights_,
        {{DNNL_ARG_SRC, view(weights_desc_.src_desc(), x.data_ptr())},
         {DNNL_ARG_DIFF_DST, view(weights_desc_.diff_dst_desc(), dy.data_ptr())},
         {DNNL_ARG_DIFF_WEIGHTS, packed},
         {DNNL_ARG_SCRATCHPAD, runtime::dnnl_scratchpad(weights_desc_.scratchpad_desc())}});
    memory plain = view(plain_, by_weight.data_ptr());
    runtime::dnnl_reorder(packed, plain);
    return by_weight;
  }

  /// oneDNN 2.6 would add up a bias element by element: a quarter again of the time that the
  /// gradient of 16 x 16 weights takes.
  [[nodiscard]] at::Tensor backward_bias(const at::Tensor& dy) const {
    const Element element = type_ == at::kBFloat16 ? Element::BFloat16 : Element::Float32;
    const ChannelSums sums =
        channel_sums({element, dy.numel(), shape_.out_channels}, dy.data_ptr());
    at::Tensor by_bias = at::empty({shape_.out_channels}, at::kFloat);
    std::transform(sums.first.begin(), sums.first.end(), by_bias.data_ptr<float>(), [](double sum) {
      return static_cast<float>(sum);
    });
    return by_bias;
  }

 private:
  void make_forward() {
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
    forward_desc_ = {desc, own_scratchpad(), runtime::dnnl_engine()};
    forward_ = dnnl::convolution_forward(forward_desc_);
  }

  void make_backward() {
    const DnnlType type = runtime::dnnl_type_of(type_);
    const auto x = image(shape_.batch, shape_.in_channels, shape_.input, type);
    const auto y = image(shape_.batch, shape_.out_channels, shape_.output, type);
    const memory::desc any_weights(weight_dims(shape_), type, DnnlTag::any);
    const memory::desc any_gradient(weight_dims(shape_), DnnlType::f32, DnnlTag::any);
    const auto& s = shape_;
    const dnnl::convolution_backward_data::desc data(
        kDirect, x, any_weights, y, s.stride, s.dilation, s.pad_head, s.pad_tail);
    data_desc_ = {data, own_scratchpad(), runtime::dnnl_engine(), forward_desc_};
    data_ = dnnl::convolution_backward_data(data_desc_);
    const dnnl::convolution_backward_weights::desc weights(
        kDirect, x, any_gradient, y, s.stride, s.dilation, s.pad_head, s.pad_tail);
    weights_desc_ = {weights, own_scratchpad(), runtime::dnnl_engine(), forward_desc_};
    runtime::skip_broken_gradients(weights_desc_, s.in_channels / s.groups, s.kernel, s.stride);
    weights_ = dnnl::convolution_backward_weights(weights_desc_);
  }

  [[nodiscard]] memory pack(const at::Tensor& weight, const memory::desc& wanted) const {
    memory plain = view(plain_, weight.data_ptr());
    if (plain_ == wanted) return plain;
    memory packed(wanted, runtime::dnnl_engine());
    runtime::dnnl_reorder(plain, packed);
    return packed;
  }
  at::Tensor zeros() {
    if (!zeros_.defined()) zeros_ = at::zeros({shape_.out_channels}, at::kFloat);
    return zeros_;
  }

  reconstruction::ConvolutionShape shape_;
  at::ScalarType type_;
  memory::desc plain_;
  at::Tensor zeros_;
  dnnl::convolution_forward::primitive_desc forward_desc_;
  dnnl::convolution_backward_data::primitive_desc data_desc_;
  dnnl::convolution_backward_weights::primitive_desc weights_desc_;
  dnnl::convolution_forward forward_;
  dnnl::convolution_backward_data data_;
  dnnl::convolution_backward_weights weights_;
};

ConvolutionCache::ConvolutionCache() = default;
ConvolutionCache::~ConvolutionCache() = default;
ConvolutionCache::ConvolutionCache(ConvolutionCache&&) noexcept = default;
ConvolutionCache& ConvolutionCache::operator=(ConvolutionCache&&) noexcept = default;

ConvolutionPasses& ConvolutionCache::passes(const reconstruction::ConvolutionShape& shape,
                                            at::ScalarType type) {
  auto& entry = passes_[key_of(shape, type)];
  if (!entry) entry = std::make_unique<ConvolutionPasses>(shape, type);
  return *entry;
}

namespace {

struct Convolution : torch::autograd::Function<Convolution> {
  static Variable forward(AutogradContext* context,
                          const Variable& x,
                          const Variable& weight,
                          const Variable& bias,
                          std::int64_t passes) {
    context->save_for_backward({x, weight});
    context->saved_data["passes"] = passes;
    context->saved_data["by_x"] = x.requires_grad();
    context->saved_data["by_bias"] = bias.requires_grad();
    return of(passes).forward(x, weight, or_undefined(bias));
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const variable_list saved = context->get_saved_variables();
    ConvolutionPasses& passes = of(context->saved_data["passes"].toInt());
    const at::Tensor dy = gradients[0].contiguous(at::MemoryFormat::ChannelsLast);
    const at::Tensor by_weight = passes.backward_weights(saved[0], saved[1], dy);
    at::Tensor by_bias;
    if (context->saved_data["by_bias"].toBool()) by_bias = passes.backward_bias(dy);
    at::Tensor by_x;
    if (context->saved_data["by_x"].toBool()) by_x = passes.backward_data(saved[1], dy);
    return {by_x, by_weight, by_bias, {}};
  }

 private:
  static ConvolutionPasses& of(std::int64_t address) {
    return *reinterpret_cast<ConvolutionPasses*>(address);
  }
};

}  // namespace

at::Tensor convolve(ConvolutionCache& cache,
                    const reconstruction::ConvolutionShape& shape,
                    const at::Tensor& x,
                    const at::Tensor& weight,
                    const at::Tensor& bias) {
  ConvolutionPasses& passes = cache.passes(shape, x.scalar_type());
  // Strides of extents of 1 say nothing of the layout, so the memory is told by contiguous().
  return Convolution::apply(x.contiguous(at::MemoryFormat::ChannelsLast),
                            weight.contiguous(),
                            or_empty(bias),
                            reinterpret_cast<std::int64_t>(&passes));
}

}  // namespace ompq::training
