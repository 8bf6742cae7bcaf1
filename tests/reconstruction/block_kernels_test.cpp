#include "ompq/reconstruction/block_kernels.h"

#include <vector>

#include <ATen/ATen.h>
#include <gtest/gtest.h>

namespace ompq::reconstruction {
namespace {

class AccumulateChannels : public ::testing::TestWithParam<std::int64_t> {};

TEST_P(AccumulateChannels, AddsEveryRowToWhatIsThere) {
  const std::int64_t rows = GetParam();
  for (const std::int64_t channels : {1, 3, 16, 70}) {
    for (const auto& [type, scalar] :
         {std::pair{Element::Float32, at::kFloat}, std::pair{Element::BFloat16, at::kBFloat16}}) {
      const at::Tensor x = at::randint(-8, 8, {rows, channels}).to(scalar);  // exact in both types
      const at::Tensor before = at::randint(-8, 8, {channels}).to(at::kFloat);
      at::Tensor sums = before.clone();
      accumulate_channels(type, x.data_ptr(), rows, channels, sums.data_ptr<float>());
      EXPECT_TRUE(sums.equal(before + x.to(at::kFloat).sum(0))) << rows << " x " << channels;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Rows, AccumulateChannels, ::testing::Values(0, 1, 4, 7, 33));

}  // namespace
}  // namespace ompq::reconstruction
