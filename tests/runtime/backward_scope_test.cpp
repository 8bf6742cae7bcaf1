#include "ompq/runtime/backward_scope.h"

#include <vector>

#include <ATen/ATen.h>
#include <gtest/gtest.h>

namespace ompq::runtime {
namespace {

bool uses_onednn() { return at::globalContext().userEnabledMkldnn(); }

TEST(BackwardScope, EndsWithTheSettingBeforeIt) {
  const bool before = uses_onednn();
  {
    const BackwardScope outer;
    EXPECT_EQ(uses_onednn(), before && !BackwardScope::kIsNeeded);
    { const BackwardScope inner; }
    EXPECT_EQ(uses_onednn(), before && !BackwardScope::kIsNeeded);
  }
  EXPECT_EQ(uses_onednn(), before);
}

TEST(BackwardScope, GivesTheGradientOfATransposedConvolutionWithChannelsLast) {
  const auto last = at::MemoryFormat::ChannelsLast;
  const at::Tensor data = at::ones({4, 6, 5, 5}).contiguous(last);
  at::Tensor weight = at::ones({6, 8, 2, 2}).contiguous(last).set_requires_grad(true);
  const std::vector<std::int64_t> stride{2, 2};
  const std::vector<std::int64_t> zero{0, 0};
  const std::vector<std::int64_t> one{1, 1};
  const at::Tensor out =
      at::convolution(data, weight, c10::nullopt, stride, zero, one, true, zero, 1);
  const BackwardScope scope;
  out.sum().backward();
  // Each weight meets each of 4 x 5 x 5 inputs once.
  EXPECT_EQ(weight.grad().min().item<float>(), 100.0F);
  EXPECT_EQ(weight.grad().max().item<float>(), 100.0F);
}

}  // namespace
}  // namespace ompq::runtime
