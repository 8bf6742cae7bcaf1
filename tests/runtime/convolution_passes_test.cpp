#include "ompq/runtime/convolution_passes.h"

#include <gtest/gtest.h>

#include "ompq/graph/graph.h"
#include "ompq/runtime/backward_scope.h"
#include "ompq/runtime/dnnl_support.h"

namespace ompq::runtime {
namespace {

at::Tensor waves(at::IntArrayRef sizes, double phase) {
  const at::Tensor index = at::arange(c10::multiply_integers(sizes), at::kFloat);
  return at::sin(index * 1.7 + phase).reshape(sizes);
}

struct PassCase {
  std::int64_t in, out, groups, kernel, stride, dilation;
  std::vector<std::int64_t> head, tail;
};
/// Plain, depthwise with a stride and uneven pads, grouped and pointwise, dilated, strided 1x1.
const PassCase kPassCases[] = {{3, 8, 1, 3, 1, 1, {1, 1}, {1, 1}},
                               {8, 8, 8, 3, 2, 1, {0, 1}, {1, 2}},
                               {8, 4, 2, 1, 1, 1, {0, 0}, {0, 0}},
                               {4, 6, 1, 3, 1, 2, {2, 2}, {2, 2}},
                               {7, 5, 1, 1, 2, 1, {0, 0}, {0, 0}}};

at::Tensor by_libtorch(const PassCase& k,
                       const at::Tensor& x,
                       const at::Tensor& weight,
                       const at::Tensor& bias) {
  const at::Tensor padded = at::constant_pad_nd(x, {k.head[1], k.tail[1], k.head[0], k.tail[0]});
  return at::convolution(padded,
                         weight,
                         bias,
                         {k.stride, k.stride},
                         {0, 0},
                         {k.dilation, k.dilation},
                         false,
                         {0, 0},
                         k.groups);
}

TEST(ConvolutionPasses, EqualLibTorchForwardAndBackward) {
  for (const PassCase& k : kPassCases) {
    at::Tensor x = waves({2, k.in, 9, 9}, 0.1).requires_grad_(true);
    at::Tensor weight =
        waves({k.out, k.in / k.groups, k.kernel, k.kernel}, 0.2).requires_grad_(true);
    const at::Tensor bias = waves({k.out}, 0.3);
    const at::Tensor expected = by_libtorch(k, x, weight, bias);
    const at::Tensor dy = waves(expected.sizes(), 0.4).contiguous(at::MemoryFormat::ChannelsLast);
    {
      const BackwardScope backward;
      (expected * dy).sum().backward();
    }

    const ConvolutionShape shape{.batch = 2,
                                 .in_channels = k.in,
                                 .out_channels = k.out,
                                 .groups = k.groups,
                                 .input = {9, 9},
                                 .output = expected.sizes().slice(2).vec(),
                                 .kernel = {k.kernel, k.kernel},
                                 .stride = {k.stride, k.stride},
                                 .dilation = {k.dilation, k.dilation},
                                 .pad_head = k.head,
                                 .pad_tail = k.tail};
    const ConvolutionPasses passes(shape, at::kFloat);
    const at::Tensor images = x.detach().contiguous(at::MemoryFormat::ChannelsLast);
    const float* plain = weight.data_ptr<float>();
    at::Tensor y = at::empty_like(dy);
    passes.forward(images.data_ptr(),
                   passes.packed(plain, passes.forward_weights()),
                   bias.data_ptr<float>(),
                   y.data_ptr());
    at::Tensor dx = at::empty_like(images);
    passes.backward_data(
        dy.data_ptr(), passes.packed(plain, passes.backward_weights()), dx.data_ptr());
    std::vector<float> packed(static_cast<std::size_t>(passes.gradient_elements()));
    passes.backward_weights(images.data_ptr(), dy.data_ptr(), packed.data());
    at::Tensor dw = at::empty(weight.sizes(), at::kFloat);
    passes.unpack_gradient(packed.data(), dw.data_ptr<float>());

    // Sums of at most 2 x 81 products of numbers up to 1, or 36 taps.
    EXPECT_LT((y - expected).abs().max().item<float>(), 162 * 0x1p-22F);
    EXPECT_LT((dx - x.grad()).abs().max().item<float>(), 162 * 0x1p-21F);
    EXPECT_LT((dw - weight.grad()).abs().max().item<float>(), 162 * 0x1p-21F);
  }
}

TEST(ConvolutionPasses, PutBoundsAfterTheSumOfTheForwardPass) {
  dnnl::post_ops after;
  dnnl_append(after, dnnl::algorithm::eltwise_clip, -0.25F, 0.5F);
  const ConvolutionPasses passes(product_shape(3, 4, 2), at::kFloat, after);
  const at::Tensor x = waves({3, 4}, 0.1);
  const at::Tensor weight = waves({2, 4}, 0.2);
  const at::Tensor bias = waves({2}, 0.3);
  at::Tensor y = at::empty({3, 2});
  passes.forward(x.data_ptr(),
                 passes.packed(weight.data_ptr<float>(), passes.forward_weights()),
                 bias.data_ptr<float>(),
                 y.data_ptr());
  const at::Tensor expected = at::clamp(at::addmm(bias, x, weight.t()), -0.25, 0.5);
  EXPECT_LT((y - expected).abs().max().item<float>(), 4 * 0x1p-22F);
}

TEST(ConvolutionShape, ResolvesTheAttributesOfANode) {
  graph::Node node;
  node.name = "conv";
  node.op_type = "Conv";
  node.attributes = {{"auto_pad", std::string("SAME_UPPER")},
                     {"strides", std::vector<std::int64_t>{2, 2}},
                     {"group", std::int64_t{4}}};
  const std::vector<std::int64_t> x{5, 8, 7, 10};
  const std::vector<std::int64_t> weight{12, 2, 3, 3};
  const ConvolutionShape shape = convolution_shape({node, 13}, x, weight);
  EXPECT_EQ(shape.batch, 5);
  EXPECT_EQ(shape.in_channels, 8);
  EXPECT_EQ(shape.out_channels, 12);
  EXPECT_EQ(shape.groups, 4);
  EXPECT_EQ(shape.output, (std::vector<std::int64_t>{4, 5}));
  EXPECT_EQ(shape.pad_head, (std::vector<std::int64_t>{1, 0}));
  EXPECT_EQ(shape.pad_tail, (std::vector<std::int64_t>{1, 1}));
  EXPECT_EQ(shape.weight_count(), 12 * 2 * 9);
}

TEST(ConvolutionShape, OfALineIsAnImageOfOneRow) {
  graph::Node node;
  node.name = "line";
  node.op_type = "Conv";
  node.attributes = {{"pads", std::vector<std::int64_t>{1, 2}},
                     {"dilations", std::vector<std::int64_t>{2}}};
  const std::vector<std::int64_t> x{1, 3, 20};
  const std::vector<std::int64_t> weight{4, 3, 5};
  const ConvolutionShape shape = convolution_shape({node, 13}, x, weight);
  EXPECT_EQ(shape.input, (std::vector<std::int64_t>{1, 20}));
  EXPECT_EQ(shape.kernel, (std::vector<std::int64_t>{1, 5}));
  EXPECT_EQ(shape.output, (std::vector<std::int64_t>{1, 15}));
  EXPECT_EQ(shape.stride, (std::vector<std::int64_t>{1, 1}));
  EXPECT_EQ(shape.dilation, (std::vector<std::int64_t>{1, 2}));
  EXPECT_EQ(shape.pad_head, (std::vector<std::int64_t>{0, 1}));
  EXPECT_EQ(shape.pad_tail, (std::vector<std::int64_t>{0, 2}));
}

}  // namespace
}  // namespace ompq::runtime
