#include "ompq/training/product.h"

namespace ompq::training {
namespace {

bool is_matrix(const graph::Graph& graph, graph::ValueId id, std::size_t rank) {
  return id != graph::kNoValue && graph.is_constant(id) &&
         graph.value(id).constant->type() == DataType::Float32 &&
         graph.value(id).constant->shape().size() == rank;
}

bool is_plain_gemm(const graph::Graph& graph, const graph::Node& node) {
  const graph::ValueId bias = node.input(2);
  return is_matrix(graph, node.input(1), 2) && node.int_attribute("transA", 0) == 0 &&
         node.float_attribute("alpha", 1.0F) == 1.0F &&
         (bias == graph::kNoValue ||
          (node.float_attribute("beta", 1.0F) == 1.0F && is_matrix(graph, bias, 1)));
}

at::Tensor convolve_images(const ProductInputs& product, ConvolutionCache& cache) {
  const at::Tensor& x = product.x;
  const at::Tensor& weight = product.weight;
  return convolve(cache,
                  runtime::convolution_shape(product.context, x.sizes(), weight.sizes()),
                  x,
                  weight,
                  product.bias);
}

/// Views rows as pixels of one image.
at::Tensor multiply_rows(const ProductInputs& product, ConvolutionCache& cache) {
  const graph::Node& node = product.context.node;
  const bool rows_are_outputs = node.is("Gemm") && node.int_attribute("transB", 0) != 0;
  const at::Tensor weight = rows_are_outputs ? product.weight : product.weight.t();
  const std::int64_t in = weight.size(1);
  const std::int64_t out = weight.size(0);
  const std::int64_t rows = product.x.numel() / in;
  const at::Tensor pixels = product.x.contiguous().reshape({1, 1, rows, in}).permute({0, 3, 1, 2});
  const at::Tensor y = convolve(cache,
                                runtime::product_shape(rows, in, out),
                                pixels,
                                weight.reshape({out, in, 1, 1}),
                                product.bias);
  std::vector<std::int64_t> extents = product.x.sizes().vec();
  extents.back() = out;
  return y.permute({0, 2, 3, 1}).reshape(extents);
}

}  // namespace

bool is_product(const graph::Graph& graph, graph::NodeId id) {
  const graph::Node& node = graph.node(id);
  if (!node.domain.empty()) return false;
  const graph::ValueId bias = node.input(2);
  if (node.is("Conv")) {
    return is_matrix(graph, node.input(1), 4) &&
           (bias == graph::kNoValue || is_matrix(graph, bias, 1));
  }
  if (node.is("Gemm")) return is_plain_gemm(graph, node);
  return node.is("MatMul") && is_matrix(graph, node.input(1), 2);
}

at::Tensor multiply(const ProductInputs& product, ConvolutionCache& cache) {
  return product.context.node.is("Conv") ? convolve_images(product, cache)
                                         : multiply_rows(product, cache);
}

}  // namespace ompq::training
