#include "ompq/training/convolution.h"

#include <gtest/gtest.h>

#include "ompq/runtime/backward_scope.h"

namespace ompq::training {
namespace {

at::Tensor numbers(at::IntArrayRef sizes, double phase) {
  const at::Tensor index = at::arange(c10::multiply_integers(sizes), at::kFloat);
  return at::sin(index * 1.7 + phase).reshape(sizes);
}

TEST(Convolve, EqualsLibtorchForwardAndBackward) {
  struct Case {
    std::int64_t in, out, groups, kernel, stride, dilation;
    std::vector<std::int64_t> head, tail;
  };
  for (const Case& k : {Case{3, 8, 1, 3, 1, 1, {1, 1}, {1, 1}},
                        Case{8, 8, 8, 3, 2, 1, {0, 1}, {1, 2}},
                        Case{8, 4, 2, 1, 1, 1, {0, 0}, {0, 0}},
                        Case{4, 6, 1, 3, 1, 2, {2, 2}, {2, 2}}}) {
    at::Tensor x = numbers({2, k.in, 9, 9}, 0.1).requires_grad_(true);
    at::Tensor weight =
        numbers({k.out, k.in / k.groups, k.kernel, k.kernel}, 0.2).requires_grad_(true);
    at::Tensor bias = numbers({k.out}, 0.3).requires_grad_(true);
    const at::Tensor padded = at::constant_pad_nd(x, {k.head[1], k.tail[1], k.head[0], k.tail[0]});
    const at::Tensor expected = at::convolution(padded,
                                                weight,
                                                bias,
                                                {k.stride, k.stride},
                                                {0, 0},
                                                {k.dilation, k.dilation},
                                                false,
                                                {0, 0},
                                                k.groups);
    const at::Tensor slope = numbers(expected.sizes(), 0.4);
    {
      const runtime::BackwardScope backward;
      (expected * slope).sum().backward();
    }
    std::vector<at::Tensor> wanted;
    for (at::Tensor* leaf : {&x, &weight, &bias}) {
      wanted.push_back(leaf->grad().clone());
      leaf->mutable_grad().reset();
    }
    ConvolutionCache cache;
    const at::Tensor got = convolve(cache,
                                    {.batch = 2,
                                     .in_channels = k.in,
                                     .out_channels = k.out,
                                     .groups = k.groups,
                                     .input = {9, 9},
                                     .output = expected.sizes().slice(2).vec(),
                                     .kernel = {k.kernel, k.kernel},
                                     .stride = {k.stride, k.stride},
                                     .dilation = {k.dilation, k.dilation},
                                     .pad_head = k.head,
                                     .pad_tail = k.tail},
                                    x,
                                    weight,
                                    bias);
    (got * slope).sum().backward();
    // Sums of at most 2 x 81 products of numbers up to 1, or 36 taps.
    EXPECT_LT((got - expected).abs().max().item<float>(), 162 * 0x1p-22F);
    const at::Tensor made[] = {x.grad(), weight.grad(), bias.grad()};
    for (std::size_t i = 0; i < 3; ++i) {
      EXPECT_LT((made[i] - wanted[i]).abs().max().item<float>(), 162 * 0x1p-21F) << i;
    }
  }
}

TEST(Convolve, WorksWithoutABias) {
  ConvolutionCache cache;
  const at::Tensor x = numbers({1, 4, 1, 1}, 0.1);
  const at::Tensor weight = numbers({2, 4, 1, 1}, 0.2).requires_grad_(true);
  const at::Tensor y = convolve(cache, {.in_channels = 4, .out_channels = 2}, x, weight, {});
  EXPECT_LT((y - at::conv2d(x, weight)).abs().max().item<float>(), 4 * 0x1p-23F);
  y.sum().backward();
  EXPECT_TRUE(weight.grad().defined());
}

}  // namespace
}  // namespace ompq::training
