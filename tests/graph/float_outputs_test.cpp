#include <gtest/gtest.h>

#include "ompq/graph/passes.h"
#include "support/graph_builder.h"

namespace ompq::graph {
namespace {

constexpr DataType kClass = DataType::Int64;

struct Classes {
  Graph graph;
  ValueId scores;
};

/// Scores of a Gemm, and what `more` makes of them.
Classes classes(ValueId (*more)(testing::GraphBuilder&, ValueId), bool scores_too = false) {
  testing::GraphBuilder builder("classes");
  const ValueId x = builder.input("x", {Dim::batch(), Dim::fixed(6)});
  const ValueId scores = builder.gemm("fc", x, 4);
  const ValueId made = more(builder, scores);
  const std::vector<ValueId> outputs = scores_too ? std::vector{made, scores} : std::vector{made};
  return {builder.finish(outputs), scores};
}

ValueId best(testing::GraphBuilder& builder, ValueId scores) {
  return builder.op({.name = "best", .op_type = "ArgMax", .inputs = {scores}},
                    {Dim::batch(), Dim::fixed(1)},
                    kClass);
}

ValueId best_as_bytes(testing::GraphBuilder& builder, ValueId scores) {
  return builder.op({.name = "bytes",
                     .op_type = "Cast",
                     .inputs = {best(builder, scores)},
                     .attributes = {{"to", std::int64_t{2}}}},
                    {Dim::batch(), Dim::fixed(1)},
                    DataType::UInt8);
}

ValueId shape_of(testing::GraphBuilder& builder, ValueId scores) {
  return builder.op(
      {.name = "shape", .op_type = "Shape", .inputs = {scores}}, {Dim::fixed(2)}, kClass);
}

TEST(WithFloatOutputs, PutsWhatClassesAreMadeOfInTheirPlace) {
  for (const auto more : {best, best_as_bytes}) {
    const Classes made = classes(more);
    const Graph judged = with_float_outputs(made.graph);
    EXPECT_EQ(judged.outputs(), std::vector{made.scores});
    EXPECT_EQ(judged.nodes().size(), 1U);  // nobody reads the classes any more
  }
}

TEST(WithFloatOutputs, NamesEachActivationOnce) {
  const Classes made = classes(best, /*scores_too=*/true);
  EXPECT_EQ(with_float_outputs(made.graph).outputs(), std::vector{made.scores});
}

TEST(WithFloatOutputs, KeepsWhatIsMadeOfNoActivation) {
  const Classes made = classes(shape_of);
  EXPECT_EQ(with_float_outputs(made.graph).outputs(), made.graph.outputs());
}

TEST(WithFloatOutputs, LeavesFloatsAlone) {
  testing::GraphBuilder builder("scores");
  const ValueId x = builder.input("x", {Dim::batch(), Dim::fixed(6)});
  const Graph graph = builder.finish({builder.gemm("fc", x, 4), x});
  EXPECT_EQ(with_float_outputs(graph).outputs(), graph.outputs());
}

}  // namespace
}  // namespace ompq::graph
