#include "ompq/rounding/block_graph.h"

#include <algorithm>
#include <cstddef>
#include <set>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ompq/core/error.h"
#include "ompq/runtime/executor.h"
#include "support/graph_builder.h"
#include "support/memory_dataset.h"
#include "support/zoo.h"

namespace ompq::rounding {
namespace {

using graph::Graph;
using graph::NodeId;
using graph::ValueId;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

Graph three_convolutions() {
  testing::GraphBuilder builder("three");
  auto x = builder.input(
      "x", {graph::Dim::batch(), graph::Dim::fixed(3), graph::Dim::fixed(6), graph::Dim::fixed(6)});
  x = builder.relu("relu1", builder.conv("conv1", x, {.out = 4, .kernel = 3, .bias = true}));
  x = builder.relu("relu2", builder.conv("conv2", x, {.out = 4, .kernel = 3, .bias = true}));
  return builder.finish({builder.conv("conv3", x, {.out = 2, .kernel = 1, .bias = true})});
}

std::vector<float> outputs_for(const Graph& graph, const Tensor& input) {
  runtime::Executor executor(graph, {.threads = 1});
  return executor.run({&input, 1}).front().to_floats();
}

TEST(ExtractPart, ComputesTheSameAsInTheWhole) {
  const Graph whole = three_convolutions();
  const ValueId from = whole.node(1).outputs[0];
  const ValueId to = whole.node(3).outputs[0];
  const std::vector<NodeId> first{0, 1};
  const std::vector<NodeId> second{2, 3};
  const PartGraph head = extract_part(whole, first, whole.inputs(), std::vector{from});
  const PartGraph tail = extract_part(whole, second, std::vector{from}, std::vector{to});
  EXPECT_EQ(tail.graph.value(tail.own.at(from)).name, whole.value(from).name);
  EXPECT_TRUE(tail.holds(to));
  EXPECT_FALSE(tail.holds(whole.inputs().front()));
  Graph shown = whole;
  shown.set_outputs({to});
  const Tensor input = testing::normal_samples({2, 3, 6, 6}, 4);
  runtime::Executor executor(head.graph, {.threads = 1});
  const Tensor between = executor.run({&input, 1}).front();
  const auto got = outputs_for(tail.graph, between);
  const auto expected = outputs_for(shown, input);
  ASSERT_EQ(got.size(), expected.size());
  for (std::size_t i = 0; i < got.size(); ++i) EXPECT_NEAR(got[i], expected[i], 1e-5F) << i;
}

TEST(ExtractPart, NamesAValueThatIsNotAnInput) {
  const Graph whole = three_convolutions();
  const std::vector<NodeId> nodes{2};
  try {
    (void)extract_part(whole, nodes, whole.inputs(), whole.node(2).outputs);
    FAIL() << "the output of relu1 is not an input";
  } catch (const ConfigError& error) {
    EXPECT_THAT(error.what(), HasSubstr("'" + whole.value(whole.node(1).outputs[0]).name + "'"));
  }
}

TEST(LayersOfPart, HaveTheIdsOfThePart) {
  const Graph whole = three_convolutions();
  const auto layers = graph::discover(whole).layers;
  const ValueId from = whole.node(1).outputs[0];
  const std::vector<NodeId> nodes{2, 3, 4};
  const PartGraph part = extract_part(whole, nodes, std::vector{from}, whole.outputs());
  std::vector<std::size_t> which;
  const auto found = layers_of_part(part, layers, &which);
  EXPECT_THAT(which, ElementsAre(1, 2));
  ASSERT_EQ(found.size(), 2U);
  EXPECT_EQ(found[0].name, "conv2");
  EXPECT_EQ(part.graph.value(found[0].weight).name, "conv2.weight");
  EXPECT_EQ(found[0].input, part.graph.inputs().front());
  EXPECT_EQ(part.graph.node(found[1].node).name, "conv3");
}

TEST(LayerBlocks, EndBeforeAnAdd) {
  const Graph graph = testing::zoo::deep_resnet(1, {.image_size = 12, .classes = 5});
  const auto layers = graph::discover(graph).layers;
  const auto blocks = layer_blocks(graph, layers);
  ASSERT_EQ(blocks.size(), layers.size());
  for (std::size_t b = 0; b < blocks.size(); ++b) {
    EXPECT_THAT(blocks[b].layers, ElementsAre(static_cast<graph::LayerId>(b)));
    EXPECT_EQ(blocks[b].input, layers[b].input);
    for (const NodeId node : blocks[b].nodes) EXPECT_FALSE(graph.node(node).is("Add"));
  }
}

TEST(PlanStages, ReadOnlyOutputsOfEarlierStagesAndEndWithTheLastBlock) {
  const Graph graph = testing::zoo::deep_resnet(3, {.image_size = 12, .classes = 5});
  const auto discovery = graph::discover(graph);
  const auto stages = plan_stages(graph, discovery.blocks);
  std::set<ValueId> made(graph.inputs().begin(), graph.inputs().end());
  std::set<int> seen;
  for (const Stage& stage : stages) {
    for (const ValueId input : stage.inputs) EXPECT_TRUE(made.contains(input)) << input;
    made.insert(stage.outputs.begin(), stage.outputs.end());
    if (stage.block >= 0) seen.insert(stage.block);
  }
  EXPECT_EQ(seen.size(), discovery.blocks.size());
  EXPECT_GE(stages.back().block, 0);
}

TEST(ElementsPerSample, CountsOneSampleOrTheWholeOfASharedValue) {
  testing::GraphBuilder builder("shapes");
  using graph::Dim;
  const auto open = builder.input("open", {Dim::batch(), Dim::fixed(3), Dim::fixed(4)});
  const auto later = builder.input("later", {Dim::fixed(5), Dim::batch()});
  const auto shared = builder.input("shared", {Dim::fixed(7)});
  const Graph graph = builder.finish({builder.relu("r", open), builder.relu("l", later), shared});
  EXPECT_EQ(elements_per_sample(graph, open), 12);
  EXPECT_EQ(elements_per_sample(graph, later), 5);
  EXPECT_EQ(elements_per_sample(graph, shared), 7);
  EXPECT_TRUE(has_samples_first(graph, open));
  EXPECT_FALSE(has_samples_first(graph, later));
  EXPECT_TRUE(has_samples_first(graph, shared));
}

}  // namespace
}  // namespace ompq::rounding
