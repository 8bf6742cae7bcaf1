#include "ompq/rounding/scale_range.h"

#include <cstdint>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "ompq/quant/short_scale.h"

namespace ompq::rounding {
namespace {

/// Three channels of two weights.
quant::QuantizedTensor three_channels(quant::Symmetry symmetry,
                                      int bits,
                                      std::vector<float> scales,
                                      std::vector<std::uint8_t> codes) {
  return {.params = {.bits = BitWidth(bits),
                     .symmetry = symmetry,
                     .granularity = quant::Granularity::along(0),
                     .scale = std::move(scales),
                     .zero_point = std::vector<std::int32_t>(
                         3, symmetry == quant::Symmetry::Normal ? 0 : 1 << (bits - 1))},
          .shape = {3, 2},
          .codes = std::move(codes)};
}

TEST(NarrowScales, RaisesThoseOfAlmostDeadChannels) {
  for (const auto symmetry : {quant::Symmetry::Asymmetric, quant::Symmetry::Normal}) {
    auto weight = three_channels(symmetry, 4, {0x1p-5F, 0x1p-30F, 0x1p-7F}, {0, 15, 0, 15, 1, 2});
    ASSERT_FALSE(quant::encode_scales(weight.params.scale));
    EXPECT_EQ(narrow_scales(weight), 1);
    EXPECT_TRUE(quant::encode_scales(weight.params.scale));
    EXPECT_EQ(weight.params.scale[0], 0x1p-5F);
    EXPECT_EQ(weight.params.scale[2], 0x1p-7F);
    const Tensor values = quant::dequantize(weight);
    EXPECT_EQ(values.data<float>()[2], 0.0F) << "of 2^-27 at most";
    EXPECT_EQ(values.data<float>()[3], 0.0F);
    EXPECT_EQ(weight.codes[0], 0);
    EXPECT_EQ(weight.codes[5], 2);
    EXPECT_EQ(narrow_scales(weight), 0) << "once is enough";
  }
}

TEST(NarrowScales, LeavesSmallScalesWhereOnlyAChannelOfZerosHasALargeOne) {
  auto weight = three_channels(
      quant::Symmetry::Asymmetric, 4, {1.0F, 0x1p-18F, 0x1p-20F}, {8, 8, 0, 15, 1, 2});
  EXPECT_EQ(narrow_scales(weight), 1);
  EXPECT_EQ(weight.params.scale, (std::vector<float>{0x1p-18F, 0x1p-18F, 0x1p-20F}));
  EXPECT_EQ(weight.codes, (std::vector<std::uint8_t>{8, 8, 0, 15, 1, 2}));
}

TEST(NarrowScales, KeepsTheSignsOfOneBit) {
  auto weight = three_channels(
      quant::Symmetry::Symmetric, 1, {0x1p-5F, 0x1p-30F, 0x1p-7F}, {0, 1, 0, 1, 1, 0});
  EXPECT_EQ(narrow_scales(weight), 1);
  EXPECT_TRUE(quant::encode_scales(weight.params.scale));
  EXPECT_EQ(weight.codes, (std::vector<std::uint8_t>{0, 1, 0, 1, 1, 0}));
}

TEST(NarrowScales, ChangesNothingThatCanBeEncoded) {
  auto weight = three_channels(
      quant::Symmetry::Asymmetric, 4, {0x1p-5F, 0x1p-19F, 1.5F * 0x1p-7F}, {8, 8, 0, 15, 1, 2});
  const auto before = weight.params.scale;
  EXPECT_EQ(narrow_scales(weight), 0);
  EXPECT_EQ(weight.params.scale, before);
}

}  // namespace
}  // namespace ompq::rounding
