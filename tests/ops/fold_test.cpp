#include "ompq/ops/fold.h"

#include <gtest/gtest.h>

#include "ompq/core/error.h"

namespace ompq::ops {
namespace {

using graph::Graph;
using graph::ValueId;

/// [1, 2, 3] + [1, 2, 3], cut into 1 and 2 elements; the sum is an output too.
Graph cut_sum() {
  Graph graph;
  const ValueId x = graph.add_constant("x", Tensor::from<float>({3}, std::vector<float>{1, 2, 3}));
  const ValueId sum = graph.add_op({"sum", "Add", "", {x, x}, {}, {}});
  const ValueId sizes =
      graph.add_constant("sizes", Tensor::from<std::int64_t>({2}, std::vector<std::int64_t>{1, 2}));
  (void)graph.add_op({"cut", "Split", "", {sum, sizes}, {}, {}}, 2);
  graph.sort();
  return graph;
}

TEST(EvaluateConstants, GivesValuesInTheOrderAskedAlsoTwice) {
  const Graph graph = cut_sum();
  const auto& cut = graph.nodes().back().outputs;
  const ValueId sum = graph.nodes().front().outputs.front();
  const std::vector<ValueId> asked{cut[1], sum, graph.find_value("x"), cut[0], cut[1]};
  const std::vector<Tensor> got = evaluate_constants(graph, asked);
  ASSERT_EQ(got.size(), asked.size());
  const std::vector<std::vector<float>> expected{{4, 6}, {2, 4, 6}, {1, 2, 3}, {2}, {4, 6}};
  for (std::size_t i = 0; i < got.size(); ++i) EXPECT_EQ(got[i].to_floats(), expected[i]) << i;
  EXPECT_TRUE(evaluate_constants(graph, {}).empty());
}

TEST(EvaluateConstants, RefusesWhatIsNotConstant) {
  Graph graph;
  const ValueId x = graph.add_input("x", DataType::Float32, {graph::Dim::fixed(3)});
  EXPECT_THROW((void)evaluate_constant(graph, graph.add_op({"n", "Neg", "", {x}, {}, {}})),
               InternalError);
}

}  // namespace
}  // namespace ompq::ops
