#pragma once

#include <ATen/ATen.h>

#include "ompq/ops/operator.h"
#include "ompq/training/convolution.h"

namespace ompq::training {

struct ProductInputs {
  ops::OpContext context;  ///< a node that is_product() accepts
  at::Tensor x;            ///< float32 or bfloat16; 4-D channels_last for Conv
  at::Tensor weight;       ///< float32, as in the node
  at::Tensor bias;         ///< [out] float32, or undefined
};

/// True for a 2-D Conv, a plain Gemm and a MatMul with a constant right operand.
[[nodiscard]] bool is_product(const graph::Graph& graph, graph::NodeId node);
/// The node's output, with the type of x, differentiable in x, weight and bias.
[[nodiscard]] at::Tensor multiply(const ProductInputs& product, ConvolutionCache& cache);

}  // namespace ompq::training
