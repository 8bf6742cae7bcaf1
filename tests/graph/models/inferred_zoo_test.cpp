#include <gtest/gtest.h>

#include "ompq/graph/layers.h"
#include "ompq/ops/infer.h"
#include "support/graph_builder.h"
#include "support/zoo.h"

namespace ompq::graph {
namespace {

namespace zoo = testing::zoo;

std::vector<Graph> networks() {
  const zoo::Options tiny{.image_size = 64, .classes = 10, .width = 0.25};
  return {zoo::resnet18(tiny),
          zoo::mobilenet_v2(tiny),
          zoo::resnet20(zoo::Shortcut::Sampled),
          zoo::vision_transformer(),
          zoo::unet(),
          zoo::squeeze_net(),
          zoo::efficient_net(),
          zoo::assorted()};
}

Graph without_shapes(Graph graph) {
  for (std::size_t i = 0; i < graph.values().size(); ++i) {
    const auto id = static_cast<ValueId>(i);
    const bool given = graph.is_constant(id) || graph.producer(id) == kNoNode;
    if (!given) graph.mutable_value(id).shape.reset();
  }
  return graph;
}

TEST(InferredZoo, HasTheShapesThatItsBuildersGave) {
  for (const Graph& given : networks()) {
    Graph inferred = without_shapes(given);
    ops::infer_and_fold(inferred);
    for (const Node& node : inferred.nodes()) {
      for (const ValueId id : node.outputs) {
        const Value& value = inferred.value(id);
        const ValueId original = given.find_value(value.name);
        if (original == kNoValue) continue;
        ASSERT_TRUE(value.shape.has_value()) << given.name << " " << value.name;
        EXPECT_EQ(to_string(*value.shape), to_string(*given.value(original).shape))
            << given.name << " " << value.name;
      }
    }
  }
}

TEST(InferredZoo, HasTheSameLayersTiesAndBlocks) {
  for (const Graph& given : networks()) {
    Graph inferred = without_shapes(given);
    ops::infer_and_fold(inferred);
    const Discovery before = discover(given);
    const Discovery after = discover(inferred);
    ASSERT_EQ(after.layers.size(), before.layers.size()) << given.name;
    for (std::size_t i = 0; i < after.layers.size(); ++i) {
      EXPECT_EQ(after.layers[i].name, before.layers[i].name);
      EXPECT_EQ(after.layers[i].macs, before.layers[i].macs) << after.layers[i].name;
      EXPECT_EQ(inferred.value(after.layers[i].feature).name,
                given.value(before.layers[i].feature).name);
    }
    EXPECT_EQ(after.ties.size(), before.ties.size()) << given.name;
    ASSERT_EQ(after.blocks.size(), before.blocks.size()) << given.name;
    for (std::size_t i = 0; i < after.blocks.size(); ++i) {
      EXPECT_EQ(after.blocks[i].layers, before.blocks[i].layers) << after.blocks[i].name;
    }
  }
}

TEST(InferredZoo, FindsAWeightBehindOperatorsOnConstants) {
  testing::GraphBuilder b("transposed_weight");
  const ValueId x = b.input("input", {Dim::batch(), Dim::fixed(6)});
  const ValueId stored = b.normal_constant("weight", {3, 6}, 1.0);
  const ValueId y = b.matmul("fc", x, b.transpose("transpose", stored, {1, 0}));
  Graph graph = b.finish({y});
  ops::infer_and_fold(graph);
  const Discovery found = discover(graph);
  ASSERT_EQ(found.layers.size(), 1U);
  EXPECT_EQ(found.layers[0].out_channels, 3);
  EXPECT_EQ(found.layers[0].macs, 18);
}

}  // namespace
}  // namespace ompq::graph
