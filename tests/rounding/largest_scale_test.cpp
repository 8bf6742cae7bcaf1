#include "ompq/rounding/largest_scale.h"

#include <cmath>

#include <gtest/gtest.h>

#include "support/graph_builder.h"

namespace ompq::rounding {
namespace {

using graph::Dim;

quant::QuantParams eight_bits(std::int32_t zero_point) {
  return {.bits = BitWidth(8), .scale = {0.1F}, .zero_point = {zero_point}};
}

TEST(LargestScale, EndsTheLevelsAtTheBoundsOfTheClip) {
  testing::GraphBuilder b("clip");
  const auto x = b.input("x", {Dim::batch(), Dim::fixed(4), Dim::fixed(8), Dim::fixed(8)});
  const auto six = b.clip("six", b.conv("a", x, {.out = 4}), 0.0F, 6.0F);
  const auto graph = b.finish({b.conv("b", six, {.out = 4})});
  EXPECT_FLOAT_EQ(largest_scale(graph, six, eight_bits(0)), 6.0F / 255.0F);
}

TEST(LargestScale, IsInfiniteWithoutABound) {
  testing::GraphBuilder b("none");
  const auto x = b.input("x", {Dim::batch(), Dim::fixed(4), Dim::fixed(8), Dim::fixed(8)});
  const auto plain = b.conv("a", x, {.out = 4});
  const auto positive = b.relu("r", b.conv("b", plain, {.out = 4}));
  const auto graph = b.finish({b.conv("c", positive, {.out = 4})});
  EXPECT_TRUE(std::isinf(largest_scale(graph, x, eight_bits(128))));
  EXPECT_TRUE(std::isinf(largest_scale(graph, plain, eight_bits(128))));
  EXPECT_TRUE(std::isinf(largest_scale(graph, positive, eight_bits(0))));
}

}  // namespace
}  // namespace ompq::rounding
