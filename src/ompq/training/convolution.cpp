#include "ompq/training/convolution.h"

#include <algorithm>

#include <torch/csrc/autograd/custom_function.h>

#include "ompq/training/kernels.h"
#include "ompq/training/optional_tensor.h"

namespace ompq::training {
namespace {

using runtime::ConvolutionPasses;
using runtime::ConvolutionShape;
using torch::autograd::AutogradContext;
using torch::autograd::Variable;
using torch::autograd::variable_list;

std::vector<std::int64_t> key_of(const ConvolutionShape& s, at::ScalarType type) {
  std::vector<std::int64_t> key{
      static_cast<std::int64_t>(type), s.batch, s.in_channels, s.out_channels, s.groups};
  for (const auto* list :
       {&s.input, &s.output, &s.kernel, &s.stride, &s.dilation, &s.pad_head, &s.pad_tail}) {
    key.insert(key.end(), list->begin(), list->end());
  }
  return key;
}

at::Tensor images(const ConvolutionShape& shape,
                  std::int64_t channels,
                  const std::vector<std::int64_t>& extents,
                  const at::Tensor& like) {
  return at::empty({shape.batch, channels, extents[0], extents[1]},
                   like.options(),
                   at::MemoryFormat::ChannelsLast);
}

at::Tensor gradient_of_bias(const at::Tensor& dy, std::int64_t channels) {
  const Element element = dy.scalar_type() == at::kBFloat16 ? Element::BFloat16 : Element::Float32;
  const ChannelSums sums = channel_sums({element, dy.numel(), channels}, dy.data_ptr());
  at::Tensor by_bias = at::empty({channels}, at::kFloat);
  std::transform(sums.first.begin(), sums.first.end(), by_bias.data_ptr<float>(), [](double sum) {
    return static_cast<float>(sum);
  });
  return by_bias;
}

at::Tensor gradient_of_weight(const ConvolutionPasses& passes,
                              const at::Tensor& x,
                              const at::Tensor& weight,
                              const at::Tensor& dy) {
  at::Tensor by_weight = at::empty(weight.sizes(), weight.options());
  const at::Tensor own = at::empty({passes.gradient_elements()}, at::kFloat);
  passes.backward_weights(x.data_ptr(), dy.data_ptr(), own.data_ptr<float>());
  passes.unpack_gradient(own.data_ptr<float>(), by_weight.data_ptr<float>());
  return by_weight;
}

struct Convolution : torch::autograd::Function<Convolution> {
  static Variable forward(AutogradContext* context,
                          const Variable& x,
                          const Variable& weight,
                          const Variable& bias,
                          std::int64_t address) {
    context->save_for_backward({x, weight});
    context->saved_data["passes"] = address;
    context->saved_data["by_x"] = x.requires_grad();
    context->saved_data["by_bias"] = bias.requires_grad();
    const ConvolutionPasses& passes = of(address);
    const ConvolutionShape& shape = passes.shape();
    const at::Tensor given = or_undefined(bias);
    const at::Tensor offset = given.defined() ? given : at::zeros({shape.out_channels}, at::kFloat);
    at::Tensor y = images(shape, shape.out_channels, shape.output, x);
    passes.forward(x.data_ptr(),
                   passes.packed(weight.data_ptr<float>(), passes.forward_weights()),
                   offset.data_ptr<float>(),
                   y.data_ptr());
    return y;
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const variable_list saved = context->get_saved_variables();
    const at::Tensor& weight = saved[1];
    const ConvolutionPasses& passes = of(context->saved_data["passes"].toInt());
    const ConvolutionShape& shape = passes.shape();
    const at::Tensor dy = gradients[0].contiguous(at::MemoryFormat::ChannelsLast);
    const at::Tensor by_weight = gradient_of_weight(passes, saved[0], weight, dy);
    at::Tensor by_bias;
    if (context->saved_data["by_bias"].toBool()) by_bias = gradient_of_bias(dy, shape.out_channels);
    at::Tensor by_x;
    if (context->saved_data["by_x"].toBool()) {
      by_x = images(shape, shape.in_channels, shape.input, dy);
      passes.backward_data(dy.data_ptr(),
                           passes.packed(weight.data_ptr<float>(), passes.backward_weights()),
                           by_x.data_ptr());
    }
    return {by_x, by_weight, by_bias, {}};
  }

 private:
  static const ConvolutionPasses& of(std::int64_t address) {
    return *reinterpret_cast<const ConvolutionPasses*>(address);
  }
};

}  // namespace

ConvolutionPasses& ConvolutionCache::passes(const ConvolutionShape& shape, at::ScalarType type) {
  auto& entry = passes_[key_of(shape, type)];
  if (!entry) entry = std::make_unique<ConvolutionPasses>(shape, type);
  return *entry;
}

at::Tensor convolve(ConvolutionCache& cache,
                    const ConvolutionShape& shape,
                    const at::Tensor& x,
                    const at::Tensor& weight,
                    const at::Tensor& bias) {
  const ConvolutionPasses& passes = cache.passes(shape, x.scalar_type());
  // Strides of extents of 1 do not determine the layout, so contiguous() is used.
  return Convolution::apply(x.contiguous(at::MemoryFormat::ChannelsLast),
                            weight.contiguous(),
                            or_empty(bias),
                            reinterpret_cast<std::int64_t>(&passes));
}

}  // namespace ompq::training
