#include <map>
#include <set>

#include <gtest/gtest.h>

#include "ompq/graph/layers.h"
#include "ompq/graph/passes.h"
#include "support/graph_builder.h"
#include "support/zoo.h"

namespace ompq::graph {
namespace {

using testing::GraphBuilder;
namespace zoo = testing::zoo;
constexpr zoo::Options kTiny{.image_size = 64, .classes = 10, .width = 0.25};

Shape image(std::int64_t channels) {
  return {Dim::batch(), Dim::fixed(channels), Dim::fixed(8), Dim::fixed(8)};
}

/// The layers of each block by name, joined by blanks.
std::vector<std::string> blocks_of(const Graph& graph) {
  const Discovery found = discover(graph);
  std::vector<std::string> blocks;
  for (const Block& block : found.blocks) {
    std::string text;
    for (const LayerId id : block.layers) {
      text += (text.empty() ? "" : " ") + found.layers.at(static_cast<std::size_t>(id)).name;
    }
    blocks.push_back(text);
  }
  return blocks;
}
using Blocks = std::vector<std::string>;

// --- what holds for every block of every network ------------------------------------------------

void expect_one_entry_and_one_exit(const Graph& graph, const Block& block) {
  const std::set<NodeId> inside(block.nodes.begin(), block.nodes.end());
  for (const NodeId id : block.nodes) {
    for (const ValueId input : graph.node(id).inputs) {
      if (input == kNoValue || graph.is_constant(input)) continue;
      EXPECT_TRUE(input == block.input || inside.contains(graph.producer(input)))
          << block.name << " reads " << graph.value(input).name;
    }
    for (const ValueId output : graph.node(id).outputs) {
      if (output == block.output) continue;
      EXPECT_FALSE(graph.is_output(output)) << block.name;
      for (const NodeId reader : graph.consumers(output)) {
        EXPECT_TRUE(inside.contains(reader))
            << graph.node(reader).name << " reads " << graph.value(output).name << " out of block "
            << block.name;
      }
    }
  }
  EXPECT_TRUE(inside.contains(graph.producer(block.output))) << block.name;
}

TEST(DiscoverBlocks, HoldEveryLayerOnceAndAreClosed) {
  for (Graph graph : {zoo::resnet18(kTiny),
                      zoo::resnet50(kTiny),
                      zoo::mobilenet_v2(kTiny),
                      zoo::resnet20(zoo::Shortcut::Sampled),
                      zoo::resnet20(zoo::Shortcut::Projection),
                      zoo::vision_transformer(),
                      zoo::unet(),
                      zoo::squeeze_net(),
                      zoo::efficient_net(),
                      zoo::assorted()}) {
    for (const bool folded : {false, true}) {
      if (folded) fold_batch_norms(graph);
      const Discovery found = discover(graph);
      std::vector<int> held(found.layers.size(), 0);
      std::map<NodeId, std::string> owner;
      std::set<std::string> names;
      for (const Block& block : found.blocks) {
        expect_one_entry_and_one_exit(graph, block);
        for (const LayerId id : block.layers) ++held.at(static_cast<std::size_t>(id));
        for (const NodeId id : block.nodes) {
          EXPECT_TRUE(owner.emplace(id, block.name).second) << graph.node(id).name;
        }
        EXPECT_TRUE(std::is_sorted(block.nodes.begin(), block.nodes.end()));
        EXPECT_TRUE(names.insert(block.name).second) << "two blocks are named " << block.name;
      }
      for (std::size_t i = 0; i < held.size(); ++i) {
        EXPECT_EQ(held[i], 1) << graph.name << " " << found.layers[i].name;
      }
    }
  }
}

// --- which blocks there are
// -----------------------------------------------------------------------

TEST(DiscoverBlocks, AreTheResidualBlocksOfAResnet) {
  EXPECT_EQ(blocks_of(zoo::resnet18(kTiny)),
            (Blocks{"conv1",
                    "layer1.0.conv1 layer1.0.conv2",
                    "layer1.1.conv1 layer1.1.conv2",
                    "layer2.0.conv1 layer2.0.conv2 layer2.0.downsample.0",
                    "layer2.1.conv1 layer2.1.conv2",
                    "layer3.0.conv1 layer3.0.conv2 layer3.0.downsample.0",
                    "layer3.1.conv1 layer3.1.conv2",
                    "layer4.0.conv1 layer4.0.conv2 layer4.0.downsample.0",
                    "layer4.1.conv1 layer4.1.conv2",
                    "fc"}));
}

TEST(DiscoverBlocks, ReachFromTheForkToTheActivationBehindTheAdd) {
  const Graph graph = zoo::resnet18(kTiny);
  const Block block = discover(graph).blocks.at(3);
  EXPECT_EQ(block.name, "layer2.0");
  EXPECT_EQ(graph.value(block.input).name, "layer1.1.relu_1_output");
  EXPECT_EQ(graph.value(block.output).name, "layer2.0.relu_1_output");
}

TEST(DiscoverBlocks, AreTheInvertedResidualsWithAndWithoutASkip) {
  const Blocks blocks = blocks_of(zoo::mobilenet_v2(kTiny));
  ASSERT_EQ(blocks.size(), 3U + 16 + 2);
  EXPECT_EQ(blocks[0], "features.0.0");
  EXPECT_EQ(blocks[1], "features.1.conv.0.0");
  EXPECT_EQ(blocks[2], "features.1.conv.1");
  EXPECT_EQ(blocks[3], "features.2.conv.0.0 features.2.conv.1.0 features.2.conv.2");
  EXPECT_EQ(blocks[4], "features.3.conv.0.0 features.3.conv.1.0 features.3.conv.2");
  EXPECT_EQ(blocks[19], "features.18.0");
  EXPECT_EQ(blocks[20], "classifier.1");
}

TEST(DiscoverBlocks, DoNotTakeAClassifierWrittenAsAConvolutionForABottleneck) {
  GraphBuilder b("conv_classifier");
  ValueId x = b.conv("narrow", b.input("input", image(4)), {.out = 4});
  x = b.relu("head.relu", b.conv("head", x, {.out = 8}));
  x = b.conv("classifier", b.global_average_pool("pool", x), {.out = 3, .bias = true});
  EXPECT_EQ(blocks_of(b.finish({b.flatten("flatten", x)})),
            (Blocks{"narrow", "head", "classifier"}));
}

TEST(DiscoverBlocks, TakeInTheGateOfSqueezeAndExcitation) {
  EXPECT_EQ(
      blocks_of(zoo::efficient_net()),
      (Blocks{"stem",
              "narrow",
              "block0.expand block0.depthwise block0.se.reduce block0.se.expand block0.project",
              "block1.expand block1.depthwise block1.se.reduce block1.se.expand block1.project",
              "head",
              "classifier"}));
}

TEST(DiscoverBlocks, AreAttentionAndPerceptronOfATransformer) {
  EXPECT_EQ(blocks_of(zoo::vision_transformer()),
            (Blocks{"patch_embed.proj",
                    "blocks.0.attn.qkv blocks.0.attn.proj",
                    "blocks.0.mlp.fc1 blocks.0.mlp.fc2",
                    "blocks.1.attn.qkv blocks.1.attn.proj",
                    "blocks.1.mlp.fc1 blocks.1.mlp.fc2",
                    "head"}));
}

TEST(DiscoverBlocks, AreSingleLayersWhereBranchesMeetInConcat) {
  for (const Block& block : discover(zoo::squeeze_net()).blocks) {
    EXPECT_EQ(block.layers.size(), 1U) << block.name;
  }
  for (const Block& block : discover(zoo::unet()).blocks) {
    EXPECT_EQ(block.layers.size(), 1U) << block.name;
  }
}

TEST(DiscoverBlocks, AreSplitWhereTheInsideIsReadOutside) {
  GraphBuilder b("tapped");
  const ValueId x = b.relu("stem.relu", b.conv("stem", b.input("input", image(4)), {.out = 4}));
  const ValueId inner = b.relu("first.relu", b.conv("first", x, {.out = 4}));
  const ValueId y = b.add("add", x, b.conv("second", inner, {.out = 4}));
  const Graph graph = b.finish({y, b.relu("tap", inner)});
  EXPECT_EQ(blocks_of(graph), (Blocks{"stem", "first", "second"}));
  // What the Add joins lies outside, so the block ends before it.
  EXPECT_EQ(graph.value(discover(graph).blocks.at(2).output).name, "second_output");
}

TEST(DiscoverBlocks, TakeAChainOfAddsOverOneForkAsOne) {
  GraphBuilder b("multi_branch");
  const ValueId x = b.relu("stem.relu", b.conv("stem", b.input("input", image(4)), {.out = 4}));
  const ValueId large = b.norm("norm3", b.conv("conv3x3", x, {.out = 4, .kernel = 3}));
  const ValueId small = b.norm("norm1", b.conv("conv1x1", x, {.out = 4}));
  const ValueId sum = b.add("add", large, small);
  const Graph graph = b.finish({b.relu("relu", b.add("add2", sum, b.norm("norm0", x)))});
  EXPECT_EQ(blocks_of(graph), (Blocks{"stem", "conv3x3 conv1x1"}));
  EXPECT_EQ(graph.value(discover(graph).blocks.at(1).output).name, "relu_output");
}

TEST(DiscoverBlocks, PreferTheInnerOfNestedResiduals) {
  GraphBuilder b("nested");
  const ValueId x = b.relu("stem.relu", b.conv("stem", b.input("input", image(4)), {.out = 4}));
  ValueId y = b.relu("down.relu", b.conv("down", x, {.out = 4}));
  y = b.add("inner.add", y, b.conv("inner", y, {.out = 4}));
  y = b.conv("up", y, {.out = 4});
  EXPECT_EQ(blocks_of(b.finish({b.add("outer.add", x, y)})),
            (Blocks{"stem", "down", "inner", "up"}));
}

TEST(DiscoverBlocks, HoldNoMoreLayersThanAFewSamplesCanTune) {
  for (const std::size_t length : {kMaxBlockLayers, kMaxBlockLayers + 1}) {
    GraphBuilder b("long_skip");
    const ValueId x = b.input("input", image(4));
    ValueId y = x;
    for (std::size_t i = 0; i < length; ++i) {
      y = b.relu("relu" + std::to_string(i), b.conv("conv" + std::to_string(i), y, {.out = 4}));
    }
    const std::size_t blocks = discover(b.finish({b.add("add", x, y)})).blocks.size();
    EXPECT_EQ(blocks, length <= kMaxBlockLayers ? 1 : length);
  }
}

TEST(DiscoverBlocks, AreNamedByWhatTheirLayersShare) {
  std::vector<std::string> names;
  for (const Block& block : discover(zoo::vision_transformer()).blocks) names.push_back(block.name);
  EXPECT_EQ(names,
            (Blocks{"patch_embed.proj",
                    "blocks.0.attn",
                    "blocks.0.mlp",
                    "blocks.1.attn",
                    "blocks.1.mlp",
                    "head"}));
}

}  // namespace
}  // namespace ompq::graph
