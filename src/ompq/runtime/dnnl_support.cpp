#include "ompq/runtime/dnnl_support.h"

#include <variant>

#include <fmt/format.h>

#include "ompq/core/error.h"

namespace ompq::runtime {

dnnl::engine& dnnl_engine() {
  static dnnl::engine engine(dnnl::engine::kind::cpu, 0);
  return engine;
}

dnnl::stream& dnnl_stream() {
  static dnnl::stream stream(dnnl_engine());
  return stream;
}

DnnlType dnnl_type_of(at::ScalarType type) {
  if (type == at::kFloat) return DnnlType::f32;
  if (type == at::kBFloat16) return DnnlType::bf16;
  throw InternalError(
      "runtime",
      fmt::format("oneDNN is used only for float32 and bfloat16, not {}", at::toString(type)));
}

dnnl::memory::desc dnnl_desc_of(const at::Tensor& tensor) {
  return {tensor.sizes().vec(), dnnl_type_of(tensor.scalar_type()), tensor.strides().vec()};
}

dnnl::memory dnnl_memory_of(const at::Tensor& tensor) {
  return dnnl_memory_of(tensor, dnnl_desc_of(tensor));
}

dnnl::memory dnnl_memory_of(const at::Tensor& tensor, const dnnl::memory::desc& desc) {
  return {desc, dnnl_engine(), tensor.data_ptr()};
}

dnnl::memory dnnl_scratchpad(const dnnl::memory::desc& desc) {
  static thread_local at::Tensor scratch = at::empty({0}, at::kByte);
  const auto bytes = static_cast<std::int64_t>(desc.get_size());
  if (scratch.numel() < bytes) scratch = at::empty({bytes}, at::kByte);
  return {desc, dnnl_engine(), scratch.data_ptr()};
}

void skip_broken_gradients(dnnl::convolution_backward_weights::primitive_desc& desc,
                           std::int64_t channels,
                           const std::vector<std::int64_t>& kernel,
                           const std::vector<std::int64_t>& stride) {
  constexpr std::int64_t kVector = 8;
  const bool strided = kernel == std::vector<std::int64_t>{1, 1} && stride != kernel;
  if (!strided || channels % kVector == 0) return;
  while (std::string(desc.impl_info_str()).starts_with("jit_1x1:avx2")) {
    if (!desc.next_impl()) return;
  }
}

void dnnl_execute(const dnnl::primitive& primitive,
                  const std::unordered_map<int, dnnl::memory>& arguments) {
  primitive.execute(dnnl_stream(), arguments);
  dnnl_stream().wait();
}

void dnnl_reorder(dnnl::memory& from, dnnl::memory& to) {
  dnnl::reorder(from, to).execute(dnnl_stream(), from, to);
  dnnl_stream().wait();
}

at::Tensor dnnl_activation(const at::Tensor& tensor, at::ScalarType type, BufferPool& pool) {
  const auto format =
      tensor.dim() == 4 ? at::MemoryFormat::ChannelsLast : at::MemoryFormat::Contiguous;
  if (tensor.scalar_type() == type && tensor.is_contiguous(format)) return tensor;
  at::Tensor source = tensor;
  const bool known = tensor.scalar_type() == at::kFloat || tensor.scalar_type() == at::kBFloat16;
  if (!known) source = tensor.to(at::kFloat);
  // oneDNN requires dense tensors; a broadcast or overlapping view is copied first.
  if (!source.is_non_overlapping_and_dense()) source = source.contiguous(format);
  at::Tensor result = pool.empty(source.sizes(), type);
  if (source.dim() == 0 || source.numel() == 0) return result.copy_(source);
  dnnl::memory from = dnnl_memory_of(source);
  dnnl::memory to = dnnl_memory_of(result);
  dnnl_reorder(from, to);
  return result;
}

void dnnl_append(dnnl::post_ops& post_ops, dnnl::algorithm activation, float alpha, float beta) {
#if DNNL_VERSION_MAJOR >= 3
  if (activation == dnnl::algorithm::eltwise_hardswish) {  // x clip(alpha x + beta, 0, 1)
    alpha = 1.0F / 6.0F;
    beta = 0.5F;
  }
  post_ops.append_eltwise(activation, alpha, beta);
#else
  post_ops.append_eltwise(1.0F, activation, alpha, beta);
#endif
}

bool append_activation(dnnl::post_ops& post_ops, const graph::FusedActivation& activation) {
  using dnnl::algorithm;
  using graph::PostOp;
  const auto parameter = [&](const char* name) {
    return std::get<float>(activation.parameters.at(name));
  };
  const auto append = [&](algorithm kind, float alpha = 0.0F, float beta = 0.0F) {
    dnnl_append(post_ops, kind, alpha, beta);
    return true;
  };
  if (activation.type.empty()) return true;
  switch (graph::traits_of(activation.domain, activation.type).post_op) {
    case PostOp::None:
      return false;
    case PostOp::Relu:
      return append(algorithm::eltwise_relu);
    case PostOp::LeakyRelu:
      return append(algorithm::eltwise_relu, parameter("alpha"));
    case PostOp::Clip:
      return append(algorithm::eltwise_clip, parameter("min"), parameter("max"));
    case PostOp::Sigmoid:
      return append(algorithm::eltwise_logistic);
    case PostOp::Tanh:
      return append(algorithm::eltwise_tanh);
    case PostOp::HardSwish:
      return append(algorithm::eltwise_hardswish);
    case PostOp::Swish:
      return append(algorithm::eltwise_swish, parameter("alpha"));
  }
  return false;
}

}  // namespace ompq::runtime
