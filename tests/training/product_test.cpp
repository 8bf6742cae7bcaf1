#include "ompq/training/product.h"

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "support/graph_builder.h"

namespace ompq::training {
namespace {

using graph::Dim;
using graph::Node;
using testing::GraphBuilder;

at::Tensor ripple(at::IntArrayRef sizes, double phase) {
  const at::Tensor index = at::arange(c10::multiply_integers(sizes), at::kFloat);
  return at::sin(index * 1.1 + phase).reshape(sizes).requires_grad_(true);
}

/// Whether a node of `type` with constants of these shapes after its input is a product.
bool accepts(const std::string& type,
             const std::vector<std::vector<std::int64_t>>& constants,
             std::map<std::string, graph::Attribute> attributes = {}) {
  GraphBuilder b("product");
  Node node{
      .name = "node", .op_type = type, .inputs = {b.input("x", {Dim::batch(), Dim::fixed(4)})}};
  for (std::size_t i = 0; i < constants.size(); ++i) {
    node.inputs.push_back(b.normal_constant("c" + std::to_string(i), constants[i], 1.0));
  }
  node.attributes = std::move(attributes);
  const graph::Graph graph = b.finish({b.op(std::move(node), {Dim::batch(), Dim::fixed(3)})});
  return is_product(graph, 0);
}

TEST(IsProduct, TakesConvolutionsOfImages) {
  EXPECT_TRUE(accepts("Conv", {{8, 4, 3, 3}}));
  EXPECT_TRUE(accepts("Conv", {{8, 4, 3, 3}, {8}}));
  EXPECT_FALSE(accepts("Conv", {{8, 4, 3}})) << "of a sequence";
  EXPECT_FALSE(accepts("Conv", {{8, 4, 3, 3, 3}})) << "of a volume";
  EXPECT_FALSE(accepts("ConvTranspose", {{4, 8, 3, 3}}));
}

TEST(IsProduct, TakesPlainMatrixProducts) {
  EXPECT_TRUE(accepts("MatMul", {{4, 3}}));
  EXPECT_FALSE(accepts("MatMul", {{2, 4, 3}})) << "a stack of matrices";
  EXPECT_TRUE(accepts("Gemm", {{4, 3}, {3}}));
  EXPECT_TRUE(accepts("Gemm", {{3, 4}, {3}}, {{"transB", std::int64_t{1}}}));
  EXPECT_FALSE(accepts("Gemm", {{4, 3}, {3}}, {{"transA", std::int64_t{1}}}));
  EXPECT_FALSE(accepts("Gemm", {{4, 3}, {3}}, {{"alpha", 0.5F}}));
  EXPECT_FALSE(accepts("Gemm", {{4, 3}, {3}}, {{"beta", 0.5F}}));
  EXPECT_TRUE(accepts("Gemm", {{4, 3}}, {{"beta", 0.5F}})) << "there is nothing to scale";
  EXPECT_FALSE(accepts("Gemm", {{4, 3}, {1, 3}}));
}

TEST(IsProduct, NeedsAConstantWeight) {
  GraphBuilder b("attention");
  const auto x = b.input("x", {Dim::batch(), Dim::fixed(4), Dim::fixed(4)});
  const graph::Graph graph = b.finish({b.matmul("scores", x, x)});
  EXPECT_FALSE(is_product(graph, 0));
}

/// multiply() and its gradients against `expected`, which LibTorch computes of the same leaves.
template <typename Expected>
void expect_product(
    const Node& node, at::Tensor x, at::Tensor weight, at::Tensor bias, Expected expected) {
  std::vector<at::Tensor> leaves{x, weight};
  if (bias.defined()) leaves.push_back(bias);
  const at::Tensor wanted = expected();
  const at::Tensor slope = ripple(wanted.sizes(), 0.4).detach();
  (wanted * slope).sum().backward();
  std::vector<at::Tensor> gradients;
  for (at::Tensor& leaf : leaves) {
    gradients.push_back(leaf.grad().clone());
    leaf.mutable_grad().reset();
  }
  ConvolutionCache cache;
  const at::Tensor input = x.dim() == 4 ? x.contiguous(at::MemoryFormat::ChannelsLast) : x;
  const at::Tensor got =
      multiply({.context = {node, 13}, .x = input, .weight = weight, .bias = bias}, cache);
  ASSERT_EQ(got.sizes().vec(), wanted.sizes().vec());
  // Sums of at most 72 products of numbers up to 1.
  EXPECT_LT((got - wanted).abs().max().item<float>(), 72 * 0x1p-22F);
  (got * slope).sum().backward();
  for (std::size_t i = 0; i < leaves.size(); ++i) {
    EXPECT_LT((leaves[i].grad() - gradients[i]).abs().max().item<float>(), 72 * 0x1p-21F) << i;
  }
}

TEST(Multiply, ConvolvesWithTheAttributesOfItsNode) {
  Node node{.name = "conv", .op_type = "Conv", .inputs = {0, 1, 2}};
  node.attributes = {{"kernel_shape", std::vector<std::int64_t>{3, 3}},
                     {"strides", std::vector<std::int64_t>{2, 2}},
                     {"pads", std::vector<std::int64_t>{1, 1, 1, 1}},
                     {"group", std::int64_t{2}}};
  const at::Tensor x = ripple({2, 4, 7, 7}, 0.1);
  const at::Tensor weight = ripple({6, 2, 3, 3}, 0.2);
  const at::Tensor bias = ripple({6}, 0.3);
  expect_product(node, x, weight, bias, [&] {
    return at::conv2d(x, weight, bias, {2, 2}, {1, 1}, {1, 1}, 2);
  });
}

TEST(Multiply, ReadsTheWeightOfAGemmAsItsNodeStoresIt) {
  const at::Tensor x = ripple({5, 4}, 0.1);
  const at::Tensor bias = ripple({3}, 0.3);
  Node node{.name = "fc", .op_type = "Gemm", .inputs = {0, 1, 2}};
  const at::Tensor by_input = ripple({4, 3}, 0.2);
  expect_product(node, x, by_input, bias, [&] { return at::matmul(x, by_input) + bias; });
  node.attributes = {{"transB", std::int64_t{1}}};
  const at::Tensor by_output = ripple({3, 4}, 0.2);
  x.mutable_grad().reset();
  bias.mutable_grad().reset();
  expect_product(node, x, by_output, bias, [&] { return at::matmul(x, by_output.t()) + bias; });
}

TEST(Multiply, TakesRowsOfAnyRankForAMatMul) {
  const Node node{.name = "linear", .op_type = "MatMul", .inputs = {0, 1}};
  const at::Tensor x = ripple({2, 3, 5, 4}, 0.1);
  const at::Tensor weight = ripple({4, 6}, 0.2);
  expect_product(node, x, weight, {}, [&] { return at::matmul(x, weight); });
}

}  // namespace
}  // namespace ompq::training
