#include "ompq/core/tensor.h"

#include <cstdint>
#include <limits>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ompq/core/error.h"
#include "support/sanitizers.h"

namespace ompq {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(Tensor, IsZeroFilledAndKnowsItsExtents) {
  const Tensor tensor(DataType::Float32, {2, 3});
  EXPECT_EQ(tensor.elements(), 6);
  EXPECT_EQ(tensor.rank(), 2);
  EXPECT_EQ(tensor.bytes().size(), 24U);
  EXPECT_THAT(tensor.to_floats(), ::testing::Each(0.0F));
}

TEST(Tensor, ScalarHasRankZeroAndOneElement) {
  const Tensor scalar = Tensor::scalar<std::int64_t>(7);
  EXPECT_EQ(scalar.rank(), 0);
  EXPECT_THAT(scalar.to_int64s(), ElementsAre(7));
}

TEST(Tensor, RefusesValuesThatDoNotFillTheShape) {
  EXPECT_THROW(Tensor::from<float>({2, 2}, std::vector<float>{1, 2, 3}), ShapeError);
  EXPECT_THROW(Tensor(DataType::Float32, {2, -1}), ShapeError);
  EXPECT_THROW(Tensor(DataType::Float32, {std::int64_t{1} << 40, std::int64_t{1} << 40}),
               ShapeError);
  const std::vector<std::byte> seven(7);
  try {
    static_cast<void>(Tensor::from_bytes(DataType::Float32, {2}, seven));
    FAIL() << "7 bytes filled 2 floats";
  } catch (const ShapeError& error) {
    EXPECT_THAT(error.what(), HasSubstr("got 7 bytes for a float32 tensor of shape 2"));
  }
}

TEST(Tensor, RefusesSizesThatNoMemoryHolds) {
  OMPQ_NEEDS_PLAIN_MEMORY();
  const std::int64_t extent = std::int64_t{1} << 61;
  EXPECT_THROW(Tensor(DataType::Float64, {extent}), ShapeError) << "2^64 bytes became 0";
  EXPECT_THROW(Tensor(DataType::Int8, {std::int64_t{1} << 50}), OutOfMemory);
}

TEST(Tensor, CopiesShareBytesUntilOneIsChanged) {
  Tensor one = Tensor::from<float>({3}, std::vector<float>{1, 2, 3});
  const Tensor two = one;
  EXPECT_EQ(one.bytes().data(), two.bytes().data());
  one.mutable_data<float>()[0] = 9;
  EXPECT_THAT(one.to_floats(), ElementsAre(9, 2, 3));
  EXPECT_THAT(two.to_floats(), ElementsAre(1, 2, 3));
}

TEST(Tensor, RefusesViewsOfAnotherType) {
  const Tensor tensor(DataType::Int8, {4});
  try {
    static_cast<void>(tensor.data<float>());
    FAIL() << "int8 elements were read as float32";
  } catch (const ShapeError& error) {
    EXPECT_THAT(error.what(), HasSubstr("requested float32 elements of a int8 tensor"));
  }
}

TEST(Tensor, ReshapesWithinItsElements) {
  const Tensor tensor = Tensor::from<std::int32_t>({2, 3}, std::vector<std::int32_t>(6, 5));
  EXPECT_THAT(tensor.reshaped({3, 2}).shape(), ElementsAre(3, 2));
  EXPECT_THROW(static_cast<void>(tensor.reshaped({4, 2})), ShapeError);
}

/// Values that every element type represents.
TEST(Tensor, ConvertsBetweenAllTypesExactlyWhereAllCanHoldTheValues) {
  const Tensor source = Tensor::from<float>({4}, std::vector<float>{0, 1, 1, 0});
  for (int from = 0; from <= static_cast<int>(DataType::Bool); ++from) {
    const Tensor middle = source.converted_to(static_cast<DataType>(from));
    for (int to = 0; to <= static_cast<int>(DataType::Bool); ++to) {
      const Tensor end = middle.converted_to(static_cast<DataType>(to));
      EXPECT_EQ(end.type(), static_cast<DataType>(to));
      EXPECT_THAT(end.to_floats(), ElementsAre(0, 1, 1, 0))
          << name_of(middle.type()) << " -> " << name_of(end.type());
    }
  }
}

TEST(Tensor, RoundsWhatGoesIntoHalfTypes) {
  const Tensor source =
      Tensor::from<float>({2}, std::vector<float>{1.0F + 0x1p-12F, 1.0F + 0x1p-8F});
  // binary16 keeps 10 bits of fraction, bfloat16 keeps 7.
  EXPECT_THAT(source.converted_to(DataType::Float16).to_floats(),
              ElementsAre(1.0F, 1.0F + 0x1p-8F));
  EXPECT_THAT(source.converted_to(DataType::BFloat16).to_floats(), ElementsAre(1.0F, 1.0F));
}

TEST(Tensor, KeepsLargeIntegersExact) {
  const std::int64_t large = std::numeric_limits<std::int64_t>::max() - 1;
  EXPECT_THAT(Tensor::scalar(large).to_int64s(), ElementsAre(large));
}

TEST(Tensor, EqualsComparesTypeShapeAndBytes) {
  const Tensor tensor = Tensor::from<float>({2}, std::vector<float>{1, 2});
  EXPECT_TRUE(tensor.equals(Tensor::from<float>({2}, std::vector<float>{1, 2})));
  EXPECT_FALSE(tensor.equals(Tensor::from<float>({2}, std::vector<float>{1, 3})));
  EXPECT_FALSE(tensor.equals(tensor.reshaped({1, 2})));
  EXPECT_FALSE(tensor.equals(tensor.converted_to(DataType::Int32)));
}

TEST(ShapeText, ReadsLikePeopleWriteIt) {
  EXPECT_EQ(shape_text(std::vector<std::int64_t>{2, 3, 224}), "2x3x224");
  EXPECT_EQ(shape_text(std::vector<std::int64_t>{}), "scalar");
}

}  // namespace
}  // namespace ompq
