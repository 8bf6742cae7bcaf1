#include "ompq/ops/cut_tail.h"

#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/graph_builder.h"

namespace ompq::ops {
namespace {

using graph::Dim;
using graph::Graph;
using graph::ValueId;
using ::testing::ElementsAre;
using testing::GraphBuilder;
using ::testing::IsEmpty;
using ::testing::Pair;

/// Boxes and scores of six places, from which a NonMaxSuppression selects some.
struct Detector {
  GraphBuilder builder{"detector"};
  ValueId boxes = builder.relu("boxes", builder.input("x", graph::fixed_shape({1, 6, 4})));
  ValueId scores =
      builder.unary("Sigmoid", "scores", builder.input("s", graph::fixed_shape({1, 2, 6})));
  ValueId limit = builder.constant("limit", Tensor::scalar(std::int64_t{3}));
  ValueId selected = builder.op({"nms", "NonMaxSuppression", "", {boxes, scores, limit}},
                                graph::fixed_shape({3, 3}),
                                DataType::Int64);
  ValueId found = builder.op({"cast", "Cast", "", {selected}, {}, {{"to", std::int64_t{1}}}},
                             graph::fixed_shape({3, 3}));
};

std::vector<std::string> left_names(const Graph& graph) {
  std::vector<std::string> names;
  for (const graph::Node& node : graph.nodes()) names.push_back(node.name);
  return names;
}

TEST(CutTail, LeavesWhatTheTailReadsAsOutputs) {
  Detector net;
  Graph graph = net.builder.finish({net.found});
  EXPECT_THAT(cut_tail(graph), ElementsAre(Pair("nms", "NonMaxSuppression"), Pair("cast", "Cast")));
  EXPECT_THAT(left_names(graph), ElementsAre("boxes", "scores"));
  EXPECT_THAT(graph.outputs(), ElementsAre(net.boxes, net.scores)) << "constants are not outputs";
}

TEST(CutTail, KeepsOtherOutputsAndTheirOrder) {
  Detector net;
  const ValueId other = net.builder.unary("Neg", "other", net.scores);
  Graph graph = net.builder.finish({other, net.found, net.scores});
  EXPECT_EQ(cut_tail(graph).size(), 2U);
  EXPECT_THAT(graph.outputs(), ElementsAre(other, net.boxes, net.scores));
}

TEST(CutTail, MakesNoOutputOfShapes) {
  Detector net;
  const ValueId shape =
      net.builder.op({"shape", "Shape", "", {net.boxes}}, graph::fixed_shape({3}), DataType::Int64);
  Graph graph = net.builder.finish({net.builder.op({"expand", "Expand", "", {net.found, shape}},
                                                   graph::fixed_shape({1, 3, 3}))});
  EXPECT_EQ(cut_tail(graph).size(), 3U);
  EXPECT_THAT(graph.outputs(), ElementsAre(net.boxes, net.scores));
}

TEST(CutTail, DoesNothingWithoutShapesThatDependOnTheData) {
  Detector net;
  Graph graph = net.builder.finish({net.boxes, net.scores});
  EXPECT_THAT(cut_tail(graph), IsEmpty());
  EXPECT_THAT(graph.outputs(), ElementsAre(net.boxes, net.scores));
}

TEST(CutTail, DoesNothingIfTheTailHasALayer) {
  Detector net;
  const ValueId output = net.builder.linear("head", net.found, 2, /*bias=*/false);
  Graph graph = net.builder.finish({output});
  EXPECT_THAT(cut_tail(graph), IsEmpty());
  EXPECT_THAT(graph.outputs(), ElementsAre(output));
  EXPECT_THAT(left_names(graph), ElementsAre("boxes", "scores", "nms", "cast", "head"));
}

TEST(CutTail, DoesNothingIfTheTailHasAnUnknownOperator) {
  Detector net;
  const ValueId output =
      net.builder.op({"odd", "Frobnicate", "", {net.found}}, graph::fixed_shape({3, 3}));
  Graph graph = net.builder.finish({output});
  EXPECT_THAT(cut_tail(graph), IsEmpty());
  EXPECT_THAT(graph.outputs(), ElementsAre(output));
}

TEST(CutTail, DoesNothingIfTheTailIsTheWholeNetwork) {
  GraphBuilder builder("nonzero");
  const ValueId x = builder.input("x", graph::fixed_shape({4}));
  const ValueId places =
      builder.op({"places", "NonZero", "", {x}}, graph::fixed_shape({1, 4}), DataType::Int64);
  Graph graph = builder.finish({places});
  EXPECT_THAT(cut_tail(graph), IsEmpty());
  EXPECT_THAT(graph.outputs(), ElementsAre(places));
}

}  // namespace
}  // namespace ompq::ops
