#include "ompq/distillation/distilled_network.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "ompq/core/error.h"
#include "reconstruction/block_cases.h"
#include "support/graph_builder.h"
#include "support/zoo.h"

namespace ompq::distillation {
namespace {

using graph::Dim;
using graph::ValueId;
using ompq::testing::GraphBuilder;

std::vector<std::string> names(const graph::Graph& graph, const std::vector<ValueId>& values) {
  std::vector<std::string> found;
  for (const ValueId value : values) found.push_back(graph.value(value).name);
  return found;
}

TEST(DistilledNetwork, HasTheOutputsOfBlocksAfterItsOwn) {
  const auto network = reconstruction::cases::test_network(
      ompq::testing::zoo::deep_resnet(3, {.image_size = 12, .classes = 5}), 4, 8, 8);
  const graph::Graph& graph = network.graph;
  const auto& blocks = network.parts.blocks;
  ASSERT_GT(blocks.size(), 2U);
  const rounding::PartGraph part = distilled_network(graph, blocks);
  std::vector<std::string> expected = names(graph, graph.outputs());
  for (const graph::Block& block : blocks) {
    const std::string name = graph.value(block.output).name;
    if (name != expected.front()) expected.push_back(name);
  }
  EXPECT_EQ(names(part.graph, part.graph.outputs()), expected);
  EXPECT_EQ(distilled_network(graph, {}).graph.outputs().size(), 1U);
}

TEST(DistilledNetwork, EndsAtTheLogitsAndLeavesLaterBlocksOut) {
  GraphBuilder b("scores", 26);
  const ValueId x = b.input("x", {Dim::batch(), Dim::fixed(4)});
  const ValueId logits = b.gemm("fc", x, 3);
  const ValueId probabilities = b.unary("Softmax", "softmax", logits);
  const graph::Graph graph = b.finish({probabilities});
  const std::vector<graph::Block> blocks{{.name = "after", .output = probabilities}};
  const rounding::PartGraph part = distilled_network(graph, blocks);
  EXPECT_EQ(names(part.graph, part.graph.outputs()), names(graph, {logits}));
}

TEST(DistilledNetwork, IsRefusedForTwoInputs) {
  GraphBuilder b("two", 26);
  const ValueId x = b.input("x", {Dim::batch(), Dim::fixed(4)});
  const ValueId y = b.input("y", {Dim::batch(), Dim::fixed(4)});
  const graph::Graph graph = b.finish({b.gemm("fc", b.add("sum", x, y), 3)});
  EXPECT_TRUE(unsupported_reason(graph));
  EXPECT_THROW((void)distilled_network(graph, {}), ConfigError);
}

}  // namespace
}  // namespace ompq::distillation
