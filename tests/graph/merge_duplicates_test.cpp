#include <gtest/gtest.h>

#include "ompq/graph/passes.h"
#include "support/graph_builder.h"

namespace ompq::graph {
namespace {

using testing::GraphBuilder;

ValueId transposed(GraphBuilder& builder,
                   const std::string& name,
                   ValueId value,
                   std::vector<std::int64_t> perm) {
  return builder.op({name, "Transpose", "", {value}, {}, {{"perm", std::move(perm)}}},
                    {Dim::fixed(3), Dim::fixed(3)});
}

TEST(MergeConstantTwins, MergesEqualNodesOfOneConstant) {
  GraphBuilder builder("net");
  const ValueId x = builder.input("x", {Dim::fixed(3), Dim::fixed(3)});
  const ValueId w = builder.normal_constant("w", {3, 3}, 1.0);
  const ValueId a = transposed(builder, "a", w, {1, 0});
  const ValueId b = transposed(builder, "b", w, {1, 0});
  const ValueId same = transposed(builder, "same", w, {0, 1});
  const ValueId y = builder.add("ya", builder.add("xa", x, a), builder.add("bs", b, same));
  Graph graph = builder.finish({y});
  EXPECT_EQ(merge_constant_duplicates(graph), 1);
  graph.sort();
  const NodeId bs = graph.producer(graph.find_value(graph.value(y).name));
  EXPECT_EQ(graph.consumers(a).size(), 2U);
  EXPECT_NE(bs, kNoNode);
}

TEST(MergeConstantTwins, LeavesNodesOfActivationsAndNetworkOutputs) {
  GraphBuilder builder("net");
  const ValueId x = builder.input("x", {Dim::fixed(3), Dim::fixed(3)});
  const ValueId w = builder.normal_constant("w", {3, 3}, 1.0);
  const ValueId a = transposed(builder, "a", x, {1, 0});
  const ValueId b = transposed(builder, "b", x, {1, 0});
  const ValueId c = transposed(builder, "c", w, {1, 0});
  const ValueId d = transposed(builder, "d", w, {1, 0});
  Graph graph = builder.finish({builder.add("sum", a, b), c, d});
  EXPECT_EQ(merge_constant_duplicates(graph), 0);
}

}  // namespace
}  // namespace ompq::graph
