#include "ompq/training/product.h"

#include <cstdint>
#include <utility>
#include <vector>

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/graph_builder.h"

namespace ompq::training {
namespace {

using graph::Dim;
using graph::Graph;
using ompq::testing::GraphBuilder;
using ::testing::ElementsAre;

std::vector<float> list_of(const at::Tensor& tensor) {
  const at::Tensor dense = tensor.detach().to(at::kFloat).contiguous();
  return {dense.data_ptr<float>(), dense.data_ptr<float>() + dense.numel()};
}

/// x [N, 2] times a constant of [2, 2] by the given operator.
Graph two_by_two(graph::Node node, bool with_bias) {
  GraphBuilder builder("product");
  const auto x = builder.input("x", {Dim::batch(), Dim::fixed(2)});
  node.inputs = {x, builder.constant("w", Tensor::from<float>({2, 2}, {1, 2, 3, 4}))};
  if (with_bias) node.inputs.push_back(builder.constant("b", Tensor::from<float>({2}, {10, 20})));
  return builder.finish({builder.op(std::move(node), {Dim::batch(), Dim::fixed(2)})});
}

/// The product of the row (1, -1) with the constant [[1, 2], [3, 4]].
at::Tensor multiplied(const Graph& graph, const at::Tensor& weight, ConvolutionCache& cache) {
  EXPECT_TRUE(is_product(graph, 0));
  const bool biased = graph.node(0).inputs.size() == 3;
  return multiply({.context = {graph.node(0), graph.opset},
                   .x = at::tensor({1.0F, -1.0F}).reshape({1, 2}),
                   .weight = weight,
                   .bias = biased ? at::tensor({10.0F, 20.0F}) : at::Tensor()},
                  cache);
}

at::Tensor matrix_weight() { return at::tensor({1.0F, 2.0F, 3.0F, 4.0F}).reshape({2, 2}); }

TEST(Multiply, ReadsMatMulAndGemmWeightsInTheirOrder) {
  ConvolutionCache cache;
  const Graph matmul = two_by_two({.name = "m", .op_type = "MatMul"}, false);
  EXPECT_THAT(list_of(multiplied(matmul, matrix_weight(), cache)), ElementsAre(-2, -2));
  const Graph gemm = two_by_two({.name = "g", .op_type = "Gemm"}, true);
  EXPECT_THAT(list_of(multiplied(gemm, matrix_weight(), cache)), ElementsAre(8, 18));
  const Graph transposed = two_by_two(
      {.name = "t", .op_type = "Gemm", .attributes = {{"transB", std::int64_t{1}}}}, true);
  EXPECT_THAT(list_of(multiplied(transposed, matrix_weight(), cache)), ElementsAre(9, 19));
}

TEST(Multiply, HasTheGradientOfTheWeight) {
  ConvolutionCache cache;
  const at::Tensor weight = matrix_weight().requires_grad_(true);
  const Graph matmul = two_by_two({.name = "m", .op_type = "MatMul"}, false);
  (multiplied(matmul, weight, cache) * at::tensor({1.0F, 10.0F})).sum().backward();
  // x^T dy with x = (1, -1) and dy = (1, 10).
  EXPECT_THAT(list_of(weight.grad()), ElementsAre(1, 10, -1, -10));
}

TEST(Multiply, KeepsTheAxesBeforeTheLast) {
  GraphBuilder builder("tokens");
  const auto x = builder.input("x", {Dim::batch(), Dim::fixed(3), Dim::fixed(2)});
  const Graph graph = builder.finish({builder.linear("linear", x, 5, /*bias=*/false)});
  ConvolutionCache cache;
  const at::Tensor rows = at::rand({4, 3, 2});
  const at::Tensor weight = at::rand({2, 5});
  const at::Tensor y = multiply(
      {.context = {graph.node(0), graph.opset}, .x = rows, .weight = weight, .bias = {}}, cache);
  EXPECT_EQ(y.sizes(), at::IntArrayRef({4, 3, 5}));
  EXPECT_TRUE(at::allclose(y, at::matmul(rows, weight), 1e-5, 1e-6));
}

TEST(IsProduct, IsFalseForOtherForms) {
  EXPECT_FALSE(is_product(
      two_by_two({.name = "a", .op_type = "Gemm", .attributes = {{"alpha", 0.5F}}}, true), 0));
  EXPECT_FALSE(is_product(
      two_by_two({.name = "a", .op_type = "Gemm", .attributes = {{"transA", std::int64_t{1}}}},
                 true),
      0));
  EXPECT_FALSE(is_product(
      two_by_two({.name = "d", .op_type = "MatMul", .domain = "com.example"}, false), 0));
  GraphBuilder builder("activations");
  const auto x = builder.input("x", {Dim::batch(), Dim::fixed(4), Dim::fixed(4)});
  EXPECT_FALSE(is_product(builder.finish({builder.matmul("scores", x, x)}), 0));
}

}  // namespace
}  // namespace ompq::training
