#include "ompq/orm/gram.h"

#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ompq/core/error.h"
#include "ompq/core/half.h"
#include "orm/reference_gram.h"

namespace ompq::orm {
namespace {

using testing::random_feature;
using testing::Reference;
using testing::reference_gram;

/// A block adds at most 128 products per register lane (16 lanes, rows of 8 KiB) or 512 (8 lanes of
/// float32), each addition off by at most 2^-24 of the running sum.
constexpr double kFloatBound = 0x1p-24 * 600;

void expect_near_reference(const GramMatrix& got, const Reference& expected, double bound) {
  for (std::size_t e = 0; e < expected.gram.size(); ++e) {
    ASSERT_NEAR(got.values[e], expected.gram[e], bound * expected.magnitude[e] + 1e-12)
        << "entry " << e;
  }
}

struct Shape {
  std::int64_t rows;
  std::int64_t cols;
};
// Around the tile, the step and the block: nothing may be lost or counted twice at an edge.
const std::vector<Shape> kShapes{
    {2, 1}, {2, 31}, {3, 32}, {5, 33}, {7, 4096}, {32, 5000}, {33, 2049}, {64, 12289}, {130, 700}};

TEST(Gram, EqualsTheDefinitionForFloat32) {
  for (const auto& [rows, cols] : kShapes) {
    SCOPED_TRACE(::testing::Message() << rows << " x " << cols);
    const std::vector<float> feature = random_feature(rows, cols, 1);
    const GramMatrix got = gram({feature.data(), DataType::Float32, rows, cols, cols});
    expect_near_reference(got, reference_gram(feature, rows, cols), kFloatBound);
  }
}

TEST(Gram, EqualsTheDefinitionForBFloat16) {
  for (const auto& [rows, cols] : kShapes) {
    SCOPED_TRACE(::testing::Message() << rows << " x " << cols);
    std::vector<float> feature = random_feature(rows, cols, 2);
    std::vector<std::uint16_t> narrow;
    for (float& value : feature) {
      narrow.push_back(float_to_bfloat16(value));
      value = bfloat16_to_float(narrow.back());
    }
    const GramMatrix got = gram({narrow.data(), DataType::BFloat16, rows, cols, cols});
    // A row of 8 KiB holds twice as many bfloat16.
    expect_near_reference(got, reference_gram(feature, rows, cols), 2 * kFloatBound);
  }
}

TEST(Gram, EqualsTheDefinitionForFloat64) {
  const std::vector<float> feature = random_feature(9, 777, 3);
  const std::vector<double> wide(feature.begin(), feature.end());
  const GramMatrix got = gram({wide.data(), DataType::Float64, 9, 777, 777});
  expect_near_reference(got, reference_gram(feature, 9, 777), 777 * 0x1p-53);
}

TEST(Gram, IsSymmetric) {
  const std::vector<float> feature = random_feature(33, 3000, 4);
  const GramMatrix got = gram({feature.data(), DataType::Float32, 33, 3000, 3000});
  for (std::size_t i = 0; i < 33; ++i) {
    for (std::size_t j = 0; j < 33; ++j) {
      ASSERT_EQ(got.values[i * 33 + j], got.values[j * 33 + i]) << i << ", " << j;
    }
  }
}

TEST(Gram, SkipsWhatLiesBetweenRows) {
  std::vector<float> feature = random_feature(6, 200, 5);
  std::vector<float> packed;
  for (std::int64_t r = 0; r < 6; ++r) {
    for (std::int64_t c = 0; c < 200; ++c) {
      float& value = feature[static_cast<std::size_t>(r * 200 + c)];
      if (c >= 150) value = std::numeric_limits<float>::quiet_NaN();
      if (c < 150) packed.push_back(value);
    }
  }
  const GramMatrix got = gram({feature.data(), DataType::Float32, 6, 150, 200});
  expect_near_reference(got, reference_gram(packed, 6, 150), kFloatBound);
}

TEST(Gram, NamesTheLayerWhoseFeatureIsNotFinite) {
  for (const float bad :
       {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    for (const std::size_t place : {0UL, 40UL, 99UL, 250UL}) {
      std::vector<float> feature = random_feature(3, 100, 7);
      feature[place] = bad;
      try {
        (void)gram({feature.data(), DataType::Float32, 3, 100, 100}, "layer4.conv2");
        FAIL() << bad << " at " << place << " was accepted";
      } catch (const DataError& error) {
        EXPECT_THAT(error.what(), ::testing::HasSubstr("'layer4.conv2'"));
        EXPECT_THAT(error.what(), ::testing::HasSubstr("NaN"));
      }
    }
  }
}

TEST(Gram, RefusesASingleSampleAndNoColumns) {
  const std::vector<float> feature(16, 1.0F);
  try {
    (void)gram({feature.data(), DataType::Float32, 1, 16, 16}, "stem");
    FAIL() << "one sample was accepted";
  } catch (const ShapeError& error) {
    EXPECT_THAT(error.what(),
                ::testing::HasSubstr("1 sample(s), but orthogonality needs at least 2"));
  }
  EXPECT_THROW((void)gram({feature.data(), DataType::Float32, 4, 0, 4}), ShapeError);
  EXPECT_THROW((void)gram({feature.data(), DataType::Int8, 2, 8, 8}), ShapeError);
}

}  // namespace
}  // namespace ompq::orm
