#pragma once

#include <vector>

#include <ATen/ATen.h>
#include <dnnl.hpp>

#include "ompq/graph/operator_traits.h"
#include "ompq/runtime/buffer_pool.h"

namespace ompq::runtime {

using DnnlType = dnnl::memory::data_type;
using DnnlTag = dnnl::memory::format_tag;

#if DNNL_VERSION_MAJOR >= 3
using DnnlPooling = dnnl::pooling_forward;
#else
using DnnlPooling = dnnl::pooling_v2_forward;
#endif

/// The CPU engine and stream of the process.
[[nodiscard]] dnnl::engine& dnnl_engine();
[[nodiscard]] dnnl::stream& dnnl_stream();

/// Describes a primitive. oneDNN 2 has a separate descriptor of the operation, made of `arguments`.
template <typename Primitive, typename... Arguments>
[[nodiscard]] typename Primitive::primitive_desc dnnl_describe(
    const dnnl::primitive_attr& attributes, const Arguments&... arguments) {
#if DNNL_VERSION_MAJOR >= 3
  return {dnnl_engine(), arguments..., attributes};
#else
  return {typename Primitive::desc(arguments...), attributes, dnnl_engine()};
#endif
}

/// The same for the gradient of a convolution, which is described by its forward pass, too.
template <typename Primitive, typename... Arguments>
[[nodiscard]] typename Primitive::primitive_desc dnnl_describe_gradient(
    const dnnl::primitive_attr& attributes,
    const dnnl::convolution_forward::primitive_desc& forward,
    const Arguments&... arguments) {
#if DNNL_VERSION_MAJOR >= 3
  return {dnnl_engine(), arguments..., forward, attributes};
#else
  return {typename Primitive::desc(arguments...), attributes, dnnl_engine(), forward};
#endif
}

/// Appends activation(x; alpha, beta).
void dnnl_append(dnnl::post_ops& post_ops,
                 dnnl::algorithm activation,
                 float alpha = 0.0F,
                 float beta = 0.0F);

/// float32 or bfloat16. @throws InternalError for other types.
[[nodiscard]] DnnlType dnnl_type_of(at::ScalarType type);
/// The tensor's extents, strides and type; any strided layout.
[[nodiscard]] dnnl::memory::desc dnnl_desc_of(const at::Tensor& tensor);
/// A view of the tensor's memory; `desc` defaults to the tensor's own.
[[nodiscard]] dnnl::memory dnnl_memory_of(const at::Tensor& tensor);
[[nodiscard]] dnnl::memory dnnl_memory_of(const at::Tensor& tensor, const dnnl::memory::desc& desc);

/// Scratch memory of this thread, at least as large as `desc`; valid until the next call.
[[nodiscard]] dnnl::memory dnnl_scratchpad(const dnnl::memory::desc& desc);

/// Selects the next implementation if the first one is wrong: with AVX2, oneDNN 2.6 computes weight
/// gradients of strided 1x1 convolutions from a copy of every stride-th position, and accesses
/// memory after its end if channels do not fill whole vectors.
void skip_broken_gradients(dnnl::convolution_backward_weights::primitive_desc& desc,
                           std::int64_t channels,
                           const std::vector<std::int64_t>& kernel,
                           const std::vector<std::int64_t>& stride);

/// Runs a primitive and waits for it. @throws InternalError naming `what` if oneDNN fails.
void dnnl_execute(const dnnl::primitive& primitive,
                  const std::unordered_map<int, dnnl::memory>& arguments);
/// Copies with conversion of layout and type.
void dnnl_reorder(dnnl::memory& from, dnnl::memory& to);

/// The tensor as channels_last (4-D) or row-major (otherwise) float32 or bfloat16, without a copy
/// if it already is.
[[nodiscard]] at::Tensor dnnl_activation(const at::Tensor& tensor,
                                         at::ScalarType type,
                                         BufferPool& pool);

/// False if the activation has no post-op.
[[nodiscard]] bool append_activation(dnnl::post_ops& post_ops,
                                     const graph::FusedActivation& activation);

}  // namespace ompq::runtime
