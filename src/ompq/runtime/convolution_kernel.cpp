#include <optional>

#include <fmt/format.h>

#include "ompq/core/error.h"
#include "ompq/runtime/convolution_passes.h"
#include "ompq/runtime/dnnl_support.h"
#include "ompq/runtime/kernel.h"
#include "ompq/runtime/weight_cache.h"

namespace ompq::runtime {
namespace {

using dnnl::convolution_forward;

enum class ResidualMode {
  None,
  Sum,     ///< the result overwrites the residual's own memory
  Binary,  ///< the residual is a separate input
};

/// Data that depends on the shape of the input.
struct ConvolutionPrimitive {
  convolution_forward::primitive_desc desc;
  convolution_forward primitive;
  dnnl::memory::desc plain_weights;
  std::string name;
  std::vector<std::int64_t> output;  ///< 4-D
};

/// Conv and FusedConv over one or two spatial axes with constant weight and bias: one oneDNN
/// primitive that adds bias and residual and applies the activation while a tile is in registers.
class ConvolutionKernel final : public Kernel {
 public:
  explicit ConvolutionKernel(const KernelRequest& request)
      : context_{request.node, request.graph.opset},
        line_(request.rank(kData) == 3),
        type_(request.activation_type),
        output_type_(request.output_type),
        activation_(graph::activation_of(request.node)) {}

  std::vector<at::Tensor> run(std::span<const at::Tensor> inputs,
                              const KernelContext& context) override {
    const at::Tensor data = dnnl_activation(as_image(inputs[kData]), type_, context.pool);
    const bool has_bias = inputs.size() > kBias && inputs[kBias].defined();
    const bool has_residual = inputs.size() > kResidual && inputs[kResidual].defined();
    at::Tensor residual;
    if (has_residual) {
      residual = dnnl_activation(as_image(inputs[kResidual]), output_type_, context.pool);
    }
    // A converted residual is a copy and may be overwritten.
    bool converted = has_residual && !residual.is_alias_of(inputs[kResidual]);
    const bool one_pixel = has_residual && residual.numel() == residual.size(1);
    if (one_pixel && !converted && !context.may_overwrite(kResidual)) {
      residual = residual.clone();
      converted = true;
    }
    const ResidualMode mode =
        residual_mode(has_residual, converted || context.may_overwrite(kResidual), one_pixel);
    const at::Tensor weight = as_image(inputs[kWeight]);
    ConvolutionPrimitive& prepared = prepare(data, weight, has_bias, mode);
    at::Tensor result =
        mode == ResidualMode::Sum ? residual : context.pool.empty(prepared.output, output_type_);
    if (has_residual && residual.sizes() != result.sizes()) throw_residual(residual, prepared);

    std::unordered_map<int, dnnl::memory> arguments{
        {DNNL_ARG_SRC, dnnl_memory_of(data, prepared.desc.src_desc())},
        {DNNL_ARG_WEIGHTS,
         weights_.get(dnnl_memory_of(weight, prepared.plain_weights),
                      prepared.desc.weights_desc())},
        {DNNL_ARG_DST, dnnl_memory_of(result, prepared.desc.dst_desc())},
        {DNNL_ARG_SCRATCHPAD, dnnl_scratchpad(prepared.desc.scratchpad_desc())}};
    if (has_bias) {
      arguments.emplace(DNNL_ARG_BIAS, dnnl_memory_of(inputs[kBias], prepared.desc.bias_desc()));
    }
    if (mode == ResidualMode::Binary) {
      arguments.emplace(DNNL_ARG_ATTR_MULTIPLE_POST_OP(0) | DNNL_ARG_SRC_1,
                        dnnl_memory_of(residual, prepared.desc.dst_desc()));
    }
    dnnl_execute(prepared.primitive, arguments);
    last_name_ = prepared.name;
    return {line_ ? result.squeeze(2) : result};
  }

  void constant_changed(std::size_t index) override {
    if (index == kWeight) weights_.clear();
  }

  std::string description() const override { return last_name_; }

 private:
  at::Tensor as_image(const at::Tensor& tensor) const {
    return line_ ? tensor.unsqueeze(2) : tensor;
  }

  /// In-place addition saves a quarter of the memory traffic; in bfloat16, however, oneDNN's sum
  /// post-op takes twice as long as its binary addition. For one sample with one pixel, oneDNN 2.7
  /// treats the addition as per-channel, and its depthwise kernel for AVX-512 then reads wrong
  /// numbers.
  ResidualMode residual_mode(bool has_residual, bool may_overwrite, bool one_pixel) const {
    if (!has_residual) return ResidualMode::None;
    if (one_pixel) return ResidualMode::Sum;
    return may_overwrite && output_type_ == at::kFloat ? ResidualMode::Sum : ResidualMode::Binary;
  }

  ConvolutionPrimitive& prepare(const at::Tensor& data,
                                const at::Tensor& weight,
                                bool has_bias,
                                ResidualMode mode) {
    auto& cache = mode == ResidualMode::Sum ? in_place_ : beside_;
    return cache.get(data.sizes(), [&] { return make(data, weight, has_bias, mode); });
  }

  /// The node's own shape; it knows no axis of rows where the image has one that does nothing.
  ConvolutionShape shape_over(const at::Tensor& data, const at::Tensor& weight) const {
    std::vector<std::int64_t> x = data.sizes().vec();
    std::vector<std::int64_t> w = weight.sizes().vec();
    if (line_) {
      x.erase(x.begin() + 2);
      w.erase(w.begin() + 2);
    }
    return convolution_shape(context_, x, w);
  }

  ConvolutionPrimitive make(const at::Tensor& data,
                            const at::Tensor& weight,
                            bool has_bias,
                            ResidualMode mode) const {
    const ConvolutionShape shape = shape_over(data, weight);
    std::vector<std::int64_t> output{
        shape.batch, shape.out_channels, shape.output[0], shape.output[1]};
    const DnnlType type = dnnl_type_of(output_type_);
    const auto desc = convolution_forward_desc(shape,
                                               dnnl::prop_kind::forward_inference,
                                               {.activations = dnnl_type_of(type_), .result = type},
                                               has_bias,
                                               attributes(mode, {output, type, DnnlTag::nhwc}));
    return {desc,
            convolution_forward(desc),
            plain_weights(shape),
            desc.impl_info_str(),
            std::move(output)};
  }

  dnnl::primitive_attr attributes(ResidualMode mode, const dnnl::memory::desc& result) const {
    dnnl::post_ops post_ops;
    if (mode == ResidualMode::Sum) post_ops.append_sum(1.0F);
    if (mode == ResidualMode::Binary) {
      post_ops.append_binary(dnnl::algorithm::binary_add, result);
    }
    if (!append_activation(post_ops, activation_)) {
      throw InternalError("runtime", fmt::format("no post-op for activation {}", activation_.type));
    }
    dnnl::primitive_attr attributes;
    attributes.set_post_ops(post_ops);
    attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
    return attributes;
  }

  [[noreturn]] void throw_residual(const at::Tensor& residual,
                                   const ConvolutionPrimitive& prepared) const {
    throw ShapeError("runtime",
                     fmt::format("node '{}' adds a tensor of shape {} to one of {}",
                                 context_.node.name,
                                 shape_text(residual.sizes().vec()),
                                 shape_text(prepared.output)));
  }

  ops::OpContext context_;
  bool line_;  ///< one spatial axis: runs as an image with one row
  at::ScalarType type_;
  at::ScalarType output_type_;
  graph::FusedActivation activation_;
  WeightCache weights_;
  ShapeCache<ConvolutionPrimitive> beside_;
  ShapeCache<ConvolutionPrimitive> in_place_;
  std::string last_name_ = "not run";
};

}  // namespace

std::unique_ptr<Kernel> make_convolution(const KernelRequest& request) {
  const std::size_t rank = request.rank(kData);
  if (rank != 3 && rank != 4) return nullptr;
  if (!request.is_float_constant(kWeight)) return nullptr;
  if (request.value(kBias) != nullptr && !request.is_float_constant(kBias)) return nullptr;
  dnnl::post_ops probe;
  if (!append_activation(probe, graph::activation_of(request.node))) return nullptr;
  return std::make_unique<ConvolutionKernel>(request);
}

}  // namespace ompq::runtime
