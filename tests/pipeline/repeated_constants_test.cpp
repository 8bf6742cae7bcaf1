#include "ompq/pipeline/repeated_constants.h"

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "ompq/ops/infer.h"
#include "support/graph_builder.h"

namespace ompq::pipeline {
namespace {

using graph::Dim;
using graph::Graph;
using graph::ValueId;

/// x [N, length] + an Expand of one number per row or a Neg of as many numbers as there are.
Graph with_made_constant(const std::string& op, std::int64_t length) {
  testing::GraphBuilder builder("made");
  const ValueId x = builder.input("x", {Dim::batch(), Dim::fixed(length)});
  const graph::Shape row{Dim::fixed(1), Dim::fixed(length)};
  ValueId made = graph::kNoValue;
  if (op == "Expand") {
    const ValueId one = builder.constant("one", Tensor::from<float>({1, 1}, {0.5F}));
    const ValueId target = builder.constant("target", Tensor::from<std::int64_t>({2}, {1, length}));
    made = builder.op({"make", "Expand", "", {one, target}}, row);
  } else {
    made = builder.unary("Neg", "make", builder.normal_constant("numbers", {1, length}, 1.0));
  }
  return builder.finish({builder.add("sum", x, made)});
}

int count_of(const Graph& graph, const std::string& op) {
  int count = 0;
  for (const graph::Node& node : graph.nodes()) count += node.is(op) ? 1 : 0;
  return count;
}

/// As imported, and after folding.
struct Folded {
  explicit Folded(Graph graph) : imported(std::move(graph)), folded(imported) {
    ops::infer_and_fold(folded);
  }
  Graph imported;
  Graph folded;
};

TEST(RestoreRepeatedConstants, PutsBackWhatIsMadeOfLess) {
  Folded network(with_made_constant("Expand", 256));
  ASSERT_EQ(count_of(network.folded, "Expand"), 0);
  restore_repeated_constants(network.folded, network.imported, {});
  EXPECT_EQ(count_of(network.folded, "Expand"), 1);
  const ValueId made = network.folded.find_value("make_output");
  ASSERT_NE(made, graph::kNoValue);
  EXPECT_FALSE(network.folded.is_constant(made));
  EXPECT_NO_THROW(network.folded.sort());
  ops::infer_and_fold(network.folded);
  EXPECT_EQ(network.folded.value(made).constant->data<float>()[255], 0.5F) << "as it was";
}

TEST(RestoreRepeatedConstants, LeavesWhatTheNodesWouldOutweigh) {
  Folded network(with_made_constant("Expand", 16));
  restore_repeated_constants(network.folded, network.imported, {});
  EXPECT_EQ(count_of(network.folded, "Expand"), 0) << "64 bytes, as much as a node takes";
}

TEST(RestoreRepeatedConstants, LeavesWhatIsMadeOfAsMuch) {
  Folded network(with_made_constant("Neg", 256));
  restore_repeated_constants(network.folded, network.imported, {});
  EXPECT_EQ(count_of(network.folded, "Neg"), 0);
}

TEST(RestoreRepeatedConstants, LeavesWeightsAndBiases) {
  Folded network(with_made_constant("Expand", 256));
  restore_repeated_constants(
      network.folded, network.imported, {network.imported.find_value("make_output")});
  EXPECT_EQ(count_of(network.folded, "Expand"), 0);
}

}  // namespace
}  // namespace ompq::pipeline
