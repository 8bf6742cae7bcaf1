#include "ompq/graph/shape.h"

#include <gtest/gtest.h>

namespace ompq::graph {
namespace {

const Shape kImages{Dim::batch(), Dim::fixed(3), Dim::fixed(8), Dim::fixed(4)};

TEST(Shape, ReadsAsText) {
  EXPECT_EQ(to_string(kImages), "Nx3x8x4");
  EXPECT_EQ(to_string({Dim::batch(64), Dim::fixed(2)}), "64Nx2");
  EXPECT_EQ(to_string({}), "scalar");
}

TEST(Shape, TakesExtentsAtABatchSize) {
  EXPECT_EQ(extents_at(kImages, 5), (std::vector<std::int64_t>{5, 3, 8, 4}));
  EXPECT_EQ(extents_at({Dim::batch(64)}, 2), std::vector<std::int64_t>{128});
}

TEST(Shape, HasFixedExtentsOnlyWithoutTheBatch) {
  EXPECT_FALSE(fixed_extents(kImages).has_value());
  EXPECT_EQ(fixed_extents(fixed_shape({2, 3})), (std::vector<std::int64_t>{2, 3}));
}

TEST(Shape, CountsElements) {
  EXPECT_EQ(element_count(kImages), Dim::batch(96));
  EXPECT_EQ(element_count(fixed_shape({2, 3})), Dim::fixed(6));
  EXPECT_EQ(element_count({}), Dim::fixed(1));
  EXPECT_FALSE(element_count({Dim::batch(), Dim::batch()}).has_value());
}

}  // namespace
}  // namespace ompq::graph
