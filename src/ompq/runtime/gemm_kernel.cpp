#include <algorithm>
#include <optional>

#include "ompq/runtime/dnnl_support.h"
#include "ompq/runtime/kernel.h"
#include "ompq/runtime/weight_cache.h"

namespace ompq::runtime {
namespace {

using dnnl::matmul;

struct GemmPrimitive {
  matmul::primitive_desc desc;
  matmul primitive;
  std::string name;
};

dnnl::primitive_attr gemm_attributes(const dnnl::post_ops& post_ops) {
  dnnl::primitive_attr attributes;
  attributes.set_post_ops(post_ops);
  attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  return attributes;
}

/// Gemm, FusedGemm and MatMul with a constant matrix: activation(rows x weight + bias + residual)
/// as one primitive. Leading axes of the data are merged into rows.
class GemmKernel final : public Kernel {
 public:
  explicit GemmKernel(const KernelRequest& request)
      : type_(request.activation_type),
        output_type_(request.output_type),
        transposed_(request.node.int_attribute("transB", 0) != 0),
        alpha_(request.node.float_attribute("alpha", 1.0F)),
        beta_(request.node.float_attribute("beta", 1.0F)),
        activation_(graph::activation_of(request.node)) {}

  std::vector<at::Tensor> run(std::span<const at::Tensor> inputs,
                              const KernelContext& context) override {
    const at::Tensor weight = transposed_ ? inputs[kWeight].t() : inputs[kWeight];
    std::vector<std::int64_t> extents = inputs[kData].sizes().vec();
    const at::Tensor data = rows_of(inputs[kData], type_, context.pool);
    const bool has_bias = inputs.size() > kBias && inputs[kBias].defined();
    const bool has_residual = inputs.size() > kResidual && inputs[kResidual].defined();
    GemmPrimitive& prepared =
        cache_.get(data.sizes(), [&] { return make(data, weight, has_bias, has_residual); });
    const at::Tensor result = context.pool.empty({data.size(0), weight.size(1)}, output_type_);

    std::unordered_map<int, dnnl::memory> arguments{
        {DNNL_ARG_SRC, dnnl_memory_of(data)},
        {DNNL_ARG_WEIGHTS, packed_weight(weight, prepared)},
        {DNNL_ARG_DST, dnnl_memory_of(result)},
        {DNNL_ARG_SCRATCHPAD, dnnl_scratchpad(prepared.desc.scratchpad_desc())}};
    if (has_bias) {
      if (!bias_.defined()) bias_ = prepare_bias(inputs[kBias], weight.size(1));
      arguments.emplace(DNNL_ARG_BIAS, dnnl_memory_of(bias_));
    }
    at::Tensor residual;
    if (has_residual) {
      residual = rows_of(inputs[kResidual], output_type_, context.pool);
      arguments.emplace(DNNL_ARG_ATTR_MULTIPLE_POST_OP(0) | DNNL_ARG_SRC_1,
                        dnnl_memory_of(residual));
    }
    dnnl_execute(prepared.primitive, arguments);
    last_name_ = prepared.name;
    extents.back() = weight.size(1);
    return {result.view(extents)};
  }

  void constant_changed(std::size_t index) override {
    if (index == kWeight) weights_.clear();
    if (index == kBias) bias_ = at::Tensor();
  }

  std::string description() const override { return last_name_; }

 private:
  static at::Tensor rows_of(const at::Tensor& tensor, at::ScalarType type, BufferPool& pool) {
    const at::Tensor dense = tensor.contiguous();
    return dnnl_activation(dense.view({-1, tensor.size(-1)}), type, pool);
  }

  const dnnl::memory& packed_weight(const at::Tensor& weight, const GemmPrimitive& prepared) {
    const at::Tensor scaled = alpha_ == 1.0F ? weight : weight * alpha_;
    return weights_.get(dnnl_memory_of(scaled), prepared.desc.weights_desc());
  }

  at::Tensor prepare_bias(const at::Tensor& bias, std::int64_t columns) const {
    const at::Tensor row = bias.reshape({1, -1}).expand({1, columns});
    return beta_ == 1.0F ? row.contiguous() : (row * beta_).contiguous();
  }

  GemmPrimitive make(const at::Tensor& data,
                     const at::Tensor& weight,
                     bool has_bias,
                     bool has_residual) const {
    const DnnlType type = dnnl_type_of(type_);
    const std::int64_t columns = weight.size(1);
    const dnnl::memory::desc weights(weight.sizes().vec(), type, DnnlTag::any);
    const dnnl::memory::desc result(
        {data.size(0), columns}, dnnl_type_of(output_type_), DnnlTag::ab);
    const dnnl::memory::desc bias =
        has_bias ? dnnl::memory::desc({1, columns}, DnnlType::f32, DnnlTag::ab)
                 : dnnl::memory::desc();
    dnnl::post_ops post_ops;
    if (has_residual) post_ops.append_binary(dnnl::algorithm::binary_add, result);
    (void)append_activation(post_ops, activation_);  // make_gemm saw that it can
    const auto desc =
        dnnl_describe<matmul>(gemm_attributes(post_ops), dnnl_desc_of(data), weights, bias, result);
    return {desc, matmul(desc), desc.impl_info_str()};
  }

  at::ScalarType type_;
  at::ScalarType output_type_;
  bool transposed_;
  float alpha_;
  float beta_;
  graph::FusedActivation activation_;
  at::Tensor bias_;
  WeightCache weights_;
  ShapeCache<GemmPrimitive> cache_;
  std::string last_name_ = "not run";
};

/// MatMul of two activations with any strides; batch axes are broadcast.
class MatmulKernel final : public Kernel {
 public:
  explicit MatmulKernel(const KernelRequest& request)
      : type_(request.activation_type), output_type_(request.output_type) {}

  std::vector<at::Tensor> run(std::span<const at::Tensor> inputs,
                              const KernelContext& context) override {
    const std::int64_t rank = std::max(inputs[0].dim(), inputs[1].dim());
    const at::Tensor left = with_rank(typed(inputs[0], context.pool), rank);
    const at::Tensor right = with_rank(typed(inputs[1], context.pool), rank);
    std::vector<std::int64_t> extents = left.sizes().vec();
    for (std::int64_t axis = 0; axis + 2 < rank; ++axis) {
      extents[static_cast<std::size_t>(axis)] = std::max(left.size(axis), right.size(axis));
    }
    extents.back() = right.size(-1);
    // The pool allocates 4-D tensors as channels_last, but a stack of matrices is row-major.
    const at::Tensor result =
        context.pool.empty({c10::multiply_integers(extents)}, output_type_).view(extents);
    const auto desc = dnnl_describe<matmul>(
        gemm_attributes({}), dnnl_desc_of(left), dnnl_desc_of(right), dnnl_desc_of(result));
    dnnl_execute(matmul(desc),
                 {{DNNL_ARG_SRC, dnnl_memory_of(left)},
                  {DNNL_ARG_WEIGHTS, dnnl_memory_of(right)},
                  {DNNL_ARG_DST, dnnl_memory_of(result)},
                  {DNNL_ARG_SCRATCHPAD, dnnl_scratchpad(desc.scratchpad_desc())}});
    last_name_ = desc.impl_info_str();
    return {result};
  }

  std::string description() const override { return last_name_; }

 private:
  /// Transposed operands stay views: oneDNN supports any strides if one of the last two is 1.
  at::Tensor typed(const at::Tensor& tensor, BufferPool& pool) const {
    const bool readable = tensor.scalar_type() == type_ && tensor.is_non_overlapping_and_dense() &&
                          (tensor.stride(-1) == 1 || tensor.stride(-2) == 1);
    if (readable) return tensor;
    const at::Tensor rows = tensor.contiguous();
    return dnnl_activation(rows.view({-1}), type_, pool).view(tensor.sizes());
  }

  static at::Tensor with_rank(at::Tensor tensor, std::int64_t rank) {
    while (tensor.dim() < rank) tensor = tensor.unsqueeze(0);
    return tensor;
  }

  at::ScalarType type_;
  at::ScalarType output_type_;
  std::string last_name_ = "not run";
};

/// True for a bias with one number per column, or one for all.
bool is_row(const graph::Value& bias, std::int64_t columns) {
  const auto extents = graph::fixed_extents(bias.shape.value_or(graph::Shape{}));
  if (!extents) return false;
  if (element_count(*extents) == 1) return true;
  return element_count(*extents) == columns && extents->back() == columns;
}

}  // namespace

std::unique_ptr<Kernel> make_gemm(const KernelRequest& request) {
  const graph::Node& node = request.node;
  if (node.int_attribute("transA", 0) != 0) return nullptr;
  if (!request.is_float_constant(kWeight) || request.rank(kWeight) != 2) return nullptr;
  if (request.rank(kData) < 2) return nullptr;
  const auto extents = graph::fixed_extents(*request.value(kWeight)->shape);
  const std::int64_t columns = (*extents)[node.int_attribute("transB", 0) != 0 ? 0 : 1];
  if (request.value(kBias) != nullptr &&
      (!request.is_float_constant(kBias) || !is_row(*request.value(kBias), columns))) {
    return nullptr;
  }
  if (request.value(kResidual) != nullptr) {
    // LibTorch handles broadcast residuals.
    const graph::Value& result = request.graph.value(node.outputs.front());
    if (request.value(kResidual)->shape != result.shape) return nullptr;
  }
  dnnl::post_ops probe;
  if (!append_activation(probe, graph::activation_of(node))) return nullptr;
  return std::make_unique<GemmKernel>(request);
}

std::unique_ptr<Kernel> make_matmul(const KernelRequest& request) {
  if (auto by_constant = make_gemm(request)) return by_constant;
  const std::size_t min = std::min(request.rank(0), request.rank(1));
  const std::size_t max = std::max(request.rank(0), request.rank(1));
  // oneDNN multiplies stacks of up to 12 axes; LibTorch handles vectors.
  if (min < 2 || max > 6) return nullptr;
  for (const std::size_t input : {0, 1}) {
    if (request.value(input)->type != DataType::Float32) return nullptr;
  }
  return std::make_unique<MatmulKernel>(request);
}

}  // namespace ompq::runtime
