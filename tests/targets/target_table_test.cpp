#include "ompq/targets/target_table.h"

#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ompq/core/error.h"

namespace ompq::targets {
namespace {

TEST(Targets, AreFoundByName) {
  EXPECT_FALSE(target("exact").integer_kernels);
  EXPECT_TRUE(target("onnxruntime").integer_kernels);
  EXPECT_EQ(target(kDefaultTarget).name, kDefaultTarget);
}

TEST(Targets, AnUnknownNameIsRefusedWithTheNearestOne) {
  try {
    (void)target("onnxruntim");
    FAIL() << "an unknown target was accepted";
  } catch (const ConfigError& error) {
    EXPECT_THAT(error.what(), ::testing::HasSubstr("--target"));
    EXPECT_THAT(error.what(), ::testing::HasSubstr("did you mean 'onnxruntime'"));
    EXPECT_THAT(error.what(), ::testing::HasSubstr("exact"));
  }
}

/// The largest absolute value of a level with `bits` bits, as the target quantizes it.
int largest_level(const TargetRow& row, int bits) {
  const int levels = 1 << bits;
  return row.needs_symmetric(BitWidth(bits)) ? levels / 2 : levels - 1;
}

TEST(Targets, HoldLevelsOfSupportedWidthsBelowTheirLimit) {
  for (const TargetRow& row : target_table().rows()) {
    if (!row.integer_kernels) continue;
    for (int bits = 1; bits <= 8; ++bits) {
      if (!row.supports(BitWidth(bits))) continue;
      EXPECT_LE(largest_level(row, bits), row.largest_level) << row.name << ", " << bits;
    }
  }
}

TEST(Targets, WithoutVnniHaveAtMostSevenBits) {
  const TargetRow& avx2 = target("onnxruntime-avx2");
  EXPECT_EQ(avx2.largest_level, 64) << "two products with 255 fit 16 bits: 2 x 255 x 64 = 32,640";
  EXPECT_TRUE(avx2.supports(BitWidth(7)));
  EXPECT_TRUE(avx2.needs_symmetric(BitWidth(7)));
  EXPECT_FALSE(avx2.needs_symmetric(BitWidth(6)));
  EXPECT_FALSE(avx2.supports(BitWidth(8)));
  EXPECT_TRUE(target("onnxruntime").supports(BitWidth(8)));
  EXPECT_TRUE(target("exact").supports(BitWidth(8)));
}

TEST(SupportedWidths, AreThoseThatKernelsSupport) {
  const TargetRow& avx2 = target("onnxruntime-avx2");
  EXPECT_EQ(supported_widths(avx2, {4, 8, 32}, "layer 'a'"), (std::vector<int>{4, 32}));
  EXPECT_EQ(supported_widths(target("exact"), {4, 8}, "layer 'a'"), (std::vector<int>{4, 8}));
}

TEST(SupportedWidths, AnErrorNamesTheLayerAndTheTarget) {
  try {
    (void)supported_widths(target("onnxruntime-avx2"), {8}, "layer 'head'");
    FAIL() << "8 bits were accepted";
  } catch (const ConfigError& error) {
    EXPECT_THAT(error.what(), ::testing::HasSubstr("layer 'head' has 8 bits"));
    EXPECT_THAT(error.what(), ::testing::HasSubstr("onnxruntime-avx2"));
  }
}

}  // namespace
}  // namespace ompq::targets
