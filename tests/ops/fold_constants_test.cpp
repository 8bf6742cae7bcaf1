#include "ompq/ops/fold_constants.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/graph_builder.h"

namespace ompq::ops {
namespace {

using graph::Dim;
using graph::Graph;
using graph::ValueId;
using testing::GraphBuilder;

TEST(FoldConstants, ComputesWhatIsNoLargerThanItsOperands) {
  GraphBuilder builder("net");
  const ValueId x = builder.input("x", {Dim::batch(), Dim::fixed(3)});
  const ValueId w = builder.constant("w", Tensor::from<float>({2, 3}, {1, 2, 3, 4, 5, 6}));
  const ValueId turned = builder.transpose("turned", w, {1, 0});
  Graph graph = builder.finish({builder.matmul("y", x, turned)});
  graph.mutable_value(turned).shape.reset();
  graph.mutable_value(x).shape.reset();
  fold_constants(graph);
  ASSERT_TRUE(graph.is_constant(turned));
  EXPECT_THAT(graph.value(turned).constant->to_floats(), ::testing::ElementsAre(1, 4, 2, 5, 3, 6));
  EXPECT_EQ(graph.nodes().size(), 1U);
}

TEST(FoldConstants, LeavesWhatGrowsAndWhatDependsOnShapes) {
  GraphBuilder builder("net");
  const ValueId x = builder.input("x", {Dim::batch(), Dim::fixed(40)});
  const ValueId row = builder.normal_constant("row", {1, 40}, 1.0);
  const ValueId shape =
      builder.constant("shape", Tensor::from<std::int64_t>({2}, std::vector<std::int64_t>{40, 40}));
  const ValueId grid =
      builder.op({"grid", "Expand", "", {row, shape}}, {Dim::fixed(40), Dim::fixed(40)});
  const ValueId extents =
      builder.op({"extents", "Shape", "", {x}}, {Dim::fixed(2)}, DataType::Int64);
  Graph graph = builder.finish({builder.matmul("y", x, grid), extents});
  fold_constants(graph);
  EXPECT_FALSE(graph.is_constant(grid));
  EXPECT_FALSE(graph.is_constant(extents));
  EXPECT_EQ(graph.nodes().size(), 3U);
}

}  // namespace
}  // namespace ompq::ops
