#include "ompq/runtime/dnnl_support.h"

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ompq/core/error.h"

namespace ompq::runtime {
namespace {

using ::testing::ElementsAre;

std::vector<float> dense_numbers(const at::Tensor& tensor) {
  const at::Tensor dense = tensor.to(at::kFloat).contiguous();
  return {dense.data_ptr<float>(), dense.data_ptr<float>() + dense.numel()};
}

TEST(DnnlTypeOf, IsFloat32OrBfloat16) {
  EXPECT_EQ(dnnl_type_of(at::kFloat), DnnlType::f32);
  EXPECT_EQ(dnnl_type_of(at::kBFloat16), DnnlType::bf16);
  EXPECT_THROW((void)dnnl_type_of(at::kLong), InternalError);
}

TEST(DnnlDescOf, HasTheLayoutOfTheTensor) {
  const at::Tensor rows = at::zeros({2, 3, 4, 5});
  EXPECT_TRUE(dnnl_desc_of(rows) == dnnl::memory::desc({2, 3, 4, 5}, DnnlType::f32, DnnlTag::nchw));
  EXPECT_TRUE(dnnl_desc_of(rows.contiguous(at::MemoryFormat::ChannelsLast)) ==
              dnnl::memory::desc({2, 3, 4, 5}, DnnlType::f32, DnnlTag::nhwc));
  EXPECT_TRUE(dnnl_desc_of(at::zeros({4, 7}).t()) ==
              dnnl::memory::desc({7, 4}, DnnlType::f32, DnnlTag::ba));
}

TEST(DnnlMemoryOf, IsAViewOfTheTensor) {
  const at::Tensor tensor = at::zeros({6});
  EXPECT_EQ(dnnl_memory_of(tensor).get_data_handle(), tensor.data_ptr());
}

TEST(DnnlReorder, ConvertsLayoutAndType) {
  const at::Tensor from = at::arange(12, at::kFloat).reshape({3, 4}) / 4;  // exact as bfloat16
  const at::Tensor to = at::empty({4, 3}, at::kBFloat16).t();
  dnnl::memory source = dnnl_memory_of(from);
  dnnl::memory target = dnnl_memory_of(to);
  dnnl_reorder(source, target);
  EXPECT_EQ(dense_numbers(to), dense_numbers(from));
}

TEST(DnnlScratchpad, IsLargeEnoughAndReused) {
  const dnnl::memory::desc large({1000}, DnnlType::f32, DnnlTag::a);
  const dnnl::memory::desc small({10}, DnnlType::f32, DnnlTag::a);
  const dnnl::memory first = dnnl_scratchpad(large);
  EXPECT_EQ(first.get_desc().get_size(), 4000U);
  EXPECT_EQ(dnnl_scratchpad(small).get_data_handle(), first.get_data_handle());
}

TEST(DnnlExecute, RunsThePrimitive) {
  const at::Tensor x = at::tensor({-2.0F, 0.0F, 3.0F});
  const at::Tensor zero = at::zeros_like(x);
  const at::Tensor y = at::empty_like(x);
  const dnnl::binary larger(dnnl_describe<dnnl::binary>(dnnl::primitive_attr(),
                                                        dnnl::algorithm::binary_max,
                                                        dnnl_desc_of(x),
                                                        dnnl_desc_of(zero),
                                                        dnnl_desc_of(y)));
  dnnl_execute(larger,
               {{DNNL_ARG_SRC_0, dnnl_memory_of(x)},
                {DNNL_ARG_SRC_1, dnnl_memory_of(zero)},
                {DNNL_ARG_DST, dnnl_memory_of(y)}});
  EXPECT_THAT(dense_numbers(y), ElementsAre(0, 0, 3));
}

TEST(DnnlActivation, DoesNotCopyWhatFits) {
  BufferPool pool;
  const at::Tensor rows = at::rand({3, 4});
  EXPECT_EQ(dnnl_activation(rows, at::kFloat, pool).data_ptr(), rows.data_ptr());
  const at::Tensor image = at::rand({2, 3, 4, 4}).contiguous(at::MemoryFormat::ChannelsLast);
  EXPECT_EQ(dnnl_activation(image, at::kFloat, pool).data_ptr(), image.data_ptr());
}

TEST(DnnlActivation, ConvertsLayoutTypeAndViews) {
  BufferPool pool;
  const at::Tensor image = at::arange(24, at::kFloat).reshape({1, 2, 3, 4});
  const std::map<std::string, at::Tensor> given{
      {"row-major", image},
      {"integers", image.to(at::kLong)},
      {"broadcast", at::arange(3, at::kFloat).reshape({1, 1, 3, 1}).expand({1, 2, 3, 4})},
      {"bfloat16", image.to(at::kBFloat16)}};
  for (const auto& [name, tensor] : given) {
    for (const at::ScalarType type : {at::kFloat, at::kBFloat16}) {
      const at::Tensor made = dnnl_activation(tensor, type, pool);
      EXPECT_TRUE(made.is_contiguous(at::MemoryFormat::ChannelsLast)) << name;
      EXPECT_EQ(made.scalar_type(), type) << name;
      EXPECT_EQ(dense_numbers(made), dense_numbers(tensor)) << name;
    }
  }
  EXPECT_EQ(dnnl_activation(at::zeros({0, 3}), at::kBFloat16, pool).numel(), 0);
}

/// relu(x), ... as the post-op of a sum of x and 0.
std::vector<float> applied(const graph::FusedActivation& activation) {
  const at::Tensor x = at::tensor({-2.0F, 0.5F, 9.0F});
  const at::Tensor zero = at::zeros_like(x);
  const at::Tensor y = at::empty_like(x);
  dnnl::post_ops post_ops;
  EXPECT_TRUE(append_activation(post_ops, activation)) << activation.type;
  dnnl::primitive_attr attributes;
  attributes.set_post_ops(post_ops);
  const dnnl::binary add(dnnl_describe<dnnl::binary>(attributes,
                                                     dnnl::algorithm::binary_add,
                                                     dnnl_desc_of(x),
                                                     dnnl_desc_of(zero),
                                                     dnnl_desc_of(y)));
  dnnl_execute(add,
               {{DNNL_ARG_SRC_0, dnnl_memory_of(x)},
                {DNNL_ARG_SRC_1, dnnl_memory_of(zero)},
                {DNNL_ARG_DST, dnnl_memory_of(y)}});
  return dense_numbers(y);
}

TEST(AppendActivation, AppliesTheActivation) {
  EXPECT_THAT(applied({.type = ""}), ElementsAre(-2, 0.5F, 9));
  EXPECT_THAT(applied({.type = "Relu"}), ElementsAre(0, 0.5F, 9));
  EXPECT_THAT(applied({.type = "Clip", .parameters = {{"min", -1.0F}, {"max", 6.0F}}}),
              ElementsAre(-1, 0.5F, 6));
  EXPECT_THAT(applied({.type = "LeakyRelu", .parameters = {{"alpha", 0.25F}}}),
              ElementsAre(-0.5F, 0.5F, 9));
}

TEST(AppendActivation, IsFalseForOtherOperators) {
  dnnl::post_ops post_ops;
  EXPECT_FALSE(append_activation(post_ops, {.type = "MaxPool"}));
  EXPECT_EQ(post_ops.len(), 0);
}

TEST(SkipBrokenGradients, KeepsTheImplementationOfOtherConvolutions) {
  constexpr auto kDirect = dnnl::algorithm::convolution_direct;
  const auto gradients = [&](std::int64_t channels, std::int64_t kernel, std::int64_t stride) {
    const std::int64_t out = (16 - kernel) / stride + 1;
    const dnnl::memory::desc x({2, channels, 16, 16}, DnnlType::f32, DnnlTag::nhwc);
    const dnnl::memory::desc w({8, channels, kernel, kernel}, DnnlType::f32, DnnlTag::any);
    const dnnl::memory::desc y({2, 8, out, out}, DnnlType::f32, DnnlTag::nhwc);
    const dnnl::memory::dims strides{stride, stride};
    const dnnl::memory::dims none{0, 0};
    const dnnl::primitive_attr plain;
    const auto forward = dnnl_describe<dnnl::convolution_forward>(
        plain, dnnl::prop_kind::forward_training, kDirect, x, w, y, strides, none, none);
    return dnnl_describe_gradient<dnnl::convolution_backward_weights>(
        plain, forward, kDirect, x, w, y, strides, none, none);
  };
  struct Given {
    std::int64_t channels, kernel, stride;
  };
  for (const Given& given : {Given{5, 3, 2}, Given{5, 1, 1}, Given{16, 1, 2}}) {
    auto desc = gradients(given.channels, given.kernel, given.stride);
    const std::string before = desc.impl_info_str();
    skip_broken_gradients(
        desc, given.channels, {given.kernel, given.kernel}, {given.stride, given.stride});
    EXPECT_EQ(desc.impl_info_str(), before);
  }
  auto strided = gradients(5, 1, 2);
  skip_broken_gradients(strided, 5, {1, 1}, {2, 2});
  EXPECT_THAT(strided.impl_info_str(), ::testing::Not(::testing::HasSubstr("jit_1x1:avx2")));
}

}  // namespace
}  // namespace ompq::runtime
