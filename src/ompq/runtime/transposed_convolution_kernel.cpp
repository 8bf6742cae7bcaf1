#include <algorithm>
#include <optional>

#include "ompq/ops/window.h"
#include "ompq/runtime/dnnl_support.h"
#include "ompq/runtime/kernel.h"
#include "ompq/runtime/weight_cache.h"

namespace ompq::runtime {
namespace {

using dnnl::deconvolution_forward;

struct TransposedConvolutionPrimitive {
  deconvolution_forward::primitive_desc desc;
  deconvolution_forward primitive;
  std::optional<dnnl::binary> epilogue;
  std::string name;
  std::vector<std::int64_t> output;
};

dnnl::primitive_attr epilogue_attributes(const dnnl::post_ops& post_ops) {
  dnnl::primitive_attr attributes;
  attributes.set_post_ops(post_ops);
  return attributes;
}

/// ConvTranspose and FusedConvTranspose over two spatial axes with constant weight and bias.
/// oneDNN's transposed convolution is ten times faster than LibTorch's, but falls back to scalar
/// code with a bias or post-op; these are a separate in-place pass.
class TransposedConvolutionKernel final : public Kernel {
 public:
  explicit TransposedConvolutionKernel(const KernelRequest& request)
      : context_{request.node, request.graph.opset},
        groups_(request.node.int_attribute("group", 1)),
        type_(request.activation_type),
        output_type_(request.output_type),
        activation_(graph::activation_of(request.node)) {}

  std::vector<at::Tensor> run(std::span<const at::Tensor> inputs,
                              const KernelContext& context) override {
    const at::Tensor data = dnnl_activation(inputs[kData], type_, context.pool);
    const at::Tensor& weight = inputs[kWeight];
    at::Tensor residual;
    if (inputs.size() > kResidual && inputs[kResidual].defined()) {
      residual = dnnl_activation(inputs[kResidual], output_type_, context.pool);
    }
    TransposedConvolutionPrimitive& prepared =
        cache_.get(data.sizes(), [&] { return make(data, weight, residual); });
    at::Tensor result = context.pool.empty(prepared.output, output_type_);
    dnnl_execute(
        prepared.primitive,
        {{DNNL_ARG_SRC, dnnl_memory_of(data, prepared.desc.src_desc())},
         {DNNL_ARG_WEIGHTS, weights_.get(plain_weight(weight), prepared.desc.weights_desc())},
         {DNNL_ARG_DST, dnnl_memory_of(result, prepared.desc.dst_desc())},
         {DNNL_ARG_SCRATCHPAD, dnnl_scratchpad(prepared.desc.scratchpad_desc())}});
    if (prepared.epilogue) finish(prepared, result, bias_of(inputs), residual);
    last_name_ = prepared.name;
    return {result};
  }

  void constant_changed(std::size_t index) override {
    if (index == kWeight) weights_.clear();
    if (index == kBias) bias_ = at::Tensor();
  }

  std::string description() const override { return last_name_; }

 private:
  /// result = activation(result + bias + residual)
  void finish(const TransposedConvolutionPrimitive& prepared,
              const at::Tensor& result,
              const at::Tensor& bias,
              const at::Tensor& residual) const {
    const dnnl::memory::desc desc(prepared.output, dnnl_type_of(output_type_), DnnlTag::nhwc);
    const dnnl::memory memory = dnnl_memory_of(result, desc);
    std::unordered_map<int, dnnl::memory> arguments{
        {DNNL_ARG_SRC_0, memory},
        {DNNL_ARG_SRC_1, dnnl_memory_of(bias, bias_desc(bias.numel()))},
        {DNNL_ARG_DST, memory}};
    if (residual.defined()) {
      arguments.emplace(DNNL_ARG_ATTR_MULTIPLE_POST_OP(0) | DNNL_ARG_SRC_1,
                        dnnl_memory_of(residual, desc));
    }
    dnnl_execute(*prepared.epilogue, arguments);
  }

  /// Zeros if the node has no bias.
  const at::Tensor& bias_of(std::span<const at::Tensor> inputs) {
    if (bias_.defined()) return bias_;
    const bool given = inputs.size() > kBias && inputs[kBias].defined();
    const at::Tensor& weight = inputs[kWeight];
    bias_ = given ? inputs[kBias] : at::zeros({weight.size(1) * groups_}, weight.options());
    return bias_;
  }

  static dnnl::memory::desc bias_desc(std::int64_t channels) {
    return {{1, channels, 1, 1}, DnnlType::f32, DnnlTag::nhwc};
  }

  /// Output channels are first in oneDNN, input channels in ONNX.
  dnnl::memory::dims weight_dims(const at::Tensor& weight) const {
    const std::int64_t in = weight.size(0) / groups_;
    dnnl::memory::dims dims{weight.size(1), in, weight.size(2), weight.size(3)};
    if (groups_ > 1) dims.insert(dims.begin(), groups_);
    return dims;
  }

  dnnl::memory plain_weight(const at::Tensor& weight) const {
    const std::int64_t taps = weight.size(2) * weight.size(3);
    const std::int64_t in = weight.size(0) / groups_;
    dnnl::memory::dims strides{taps, weight.size(1) * taps, weight.size(3), 1};
    if (groups_ > 1) strides.insert(strides.begin(), in * weight.size(1) * taps);
    return dnnl_memory_of(weight, {weight_dims(weight), DnnlType::f32, strides});
  }

  TransposedConvolutionPrimitive make(const at::Tensor& data,
                                      const at::Tensor& weight,
                                      const at::Tensor& residual) const {
    ops::Window window =
        ops::transposed_window(context_, data.sizes().slice(2), weight.sizes().slice(2));
    std::vector<std::int64_t> output{data.size(0), weight.size(1) * groups_};
    output.insert(output.end(), window.output.begin(), window.output.end());
    for (std::int64_t& dilation : window.dilation) --dilation;  // oneDNN's dilation is 0-based
    const dnnl::memory::desc result(output, dnnl_type_of(output_type_), DnnlTag::nhwc);
    const dnnl::memory::desc input(data.sizes().vec(), dnnl_type_of(type_), DnnlTag::nhwc);
    const dnnl::memory::desc weights(weight_dims(weight), dnnl_type_of(type_), DnnlTag::any);
    dnnl::primitive_attr attributes;
    attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
    const auto primitive_desc =
        dnnl_describe<deconvolution_forward>(attributes,
                                             dnnl::prop_kind::forward_inference,
                                             dnnl::algorithm::deconvolution_direct,
                                             input,
                                             weights,
                                             result,
                                             window.stride,
                                             window.dilation,
                                             window.pad_head,
                                             window.pad_tail);
    return {primitive_desc,
            deconvolution_forward(primitive_desc),
            make_epilogue(result, output[1], residual.defined()),
            primitive_desc.impl_info_str(),
            std::move(output)};
  }

  std::optional<dnnl::binary> make_epilogue(const dnnl::memory::desc& result,
                                            std::int64_t channels,
                                            bool has_residual) const {
    const bool has_bias = context_.node.input(kBias) != graph::kNoValue;
    if (!has_bias && !has_residual && activation_.type.empty()) return std::nullopt;
    dnnl::post_ops post_ops;
    if (has_residual) post_ops.append_binary(dnnl::algorithm::binary_add, result);
    (void)append_activation(post_ops, activation_);  // checked when the kernel was created
    return dnnl::binary(dnnl_describe<dnnl::binary>(epilogue_attributes(post_ops),
                                                    dnnl::algorithm::binary_add,
                                                    result,
                                                    bias_desc(channels),
                                                    result));
  }

  ops::OpContext context_;
  std::int64_t groups_;
  at::ScalarType type_;
  at::ScalarType output_type_;
  graph::FusedActivation activation_;
  at::Tensor bias_;
  WeightCache weights_;
  ShapeCache<TransposedConvolutionPrimitive> cache_;
  std::string last_name_ = "not run";
};

/// True if output_padding or output_shape exceed the full transposed convolution, which oneDNN does
/// not support.
bool reaches_beyond(const KernelRequest& request) {
  const ops::OpContext context{request.node, request.graph.opset};
  const auto spatial = [&](std::size_t input) {
    const graph::Shape& shape = *request.value(input)->shape;
    return graph::fixed_extents(graph::Shape(shape.begin() + 2, shape.end()));
  };
  const auto data = spatial(kData);
  const auto weight = spatial(kWeight);
  if (!data || !weight) return true;
  const ops::Window window = ops::transposed_window(context, *data, *weight);
  return std::any_of(
      window.pad_tail.begin(), window.pad_tail.end(), [](std::int64_t pad) { return pad < 0; });
}

}  // namespace

std::unique_ptr<Kernel> make_transposed_convolution(const KernelRequest& request) {
  if (request.rank(kData) != 4 || !request.is_float_constant(kWeight)) return nullptr;
  if (request.value(kBias) != nullptr && !request.is_float_constant(kBias)) return nullptr;
  dnnl::post_ops probe;
  if (!append_activation(probe, graph::activation_of(request.node))) return nullptr;
  if (reaches_beyond(request)) return nullptr;
  return std::make_unique<TransposedConvolutionKernel>(request);
}

}  // namespace ompq::runtime
