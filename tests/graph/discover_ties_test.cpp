#include <gtest/gtest.h>

#include "ompq/graph/layers.h"
#include "ompq/graph/passes.h"
#include "support/graph_builder.h"
#include "support/zoo.h"

namespace ompq::graph {
namespace {

using testing::GraphBuilder;
namespace zoo = testing::zoo;

/// "leader<-follower,follower" for each tie.
std::vector<std::string> ties_of(const Graph& graph) {
  const Discovery found = discover(graph);
  const auto name = [&](LayerId id) { return found.layers.at(static_cast<std::size_t>(id)).name; };
  std::vector<std::string> ties;
  for (const Tie& tie : found.ties) {
    std::string text = name(tie.leader) + "<-";
    for (const LayerId follower : tie.followers) {
      if (text.back() != '-') text += ',';
      text += name(follower);
    }
    ties.push_back(text);
  }
  return ties;
}
using Ties = std::vector<std::string>;

Shape tie_image(std::int64_t channels) {
  return {Dim::batch(), Dim::fixed(channels), Dim::fixed(8), Dim::fixed(8)};
}

TEST(DiscoverTies, TiesProjectionsToTheLastConvolutionBesideThem) {
  const zoo::Options tiny{.image_size = 32, .classes = 10, .width = 0.125};
  EXPECT_EQ(ties_of(zoo::resnet18(tiny)),
            (Ties{"layer2.0.conv2<-layer2.0.downsample.0",
                  "layer3.0.conv2<-layer3.0.downsample.0",
                  "layer4.0.conv2<-layer4.0.downsample.0"}));
  EXPECT_EQ(ties_of(zoo::resnet50(tiny)),
            (Ties{"layer1.0.conv3<-layer1.0.downsample.0",
                  "layer2.0.conv3<-layer2.0.downsample.0",
                  "layer3.0.conv3<-layer3.0.downsample.0",
                  "layer4.0.conv3<-layer4.0.downsample.0"}));
  Graph folded = zoo::resnet18(tiny);
  fold_batch_norms(folded);
  EXPECT_EQ(ties_of(folded), ties_of(zoo::resnet18(tiny)));
}

TEST(DiscoverTies, TiesNothingWhereTheShortcutHoldsNoLayer) {
  EXPECT_TRUE(ties_of(zoo::resnet20(zoo::Shortcut::Sampled)).empty());
  EXPECT_EQ(ties_of(zoo::resnet20(zoo::Shortcut::Projection)).size(), 2U);
  EXPECT_TRUE(ties_of(zoo::mobilenet_v2({.image_size = 32, .classes = 10, .width = 0.25})).empty());
  EXPECT_TRUE(ties_of(zoo::vision_transformer()).empty());
}

/// Two branches over one value that an Add joins: `left` and `right` convolutions long.
Graph branches(int left, int right, bool swapped, bool pooled = false) {
  GraphBuilder b("branches");
  const ValueId x = b.relu("stem.relu", b.conv("stem", b.input("input", tie_image(4)), {.out = 4}));
  const auto branch = [&](const std::string& name, int length) {
    ValueId y = x;
    if (pooled && length == 1) y = b.max_pool(name + ".pool", y, 1, 1, 0);
    for (int i = 0; i < length; ++i) {
      y = b.norm(name + ".norm" + std::to_string(i),
                 b.conv(name + std::to_string(i), y, {.out = 4, .kernel = length == 1 ? 1 : 3}));
      if (i + 1 < length) y = b.relu(name + ".relu" + std::to_string(i), y);
    }
    return y;
  };
  const ValueId first = branch("left", left);
  const ValueId second = branch("right", right);
  return b.finish(
      {b.relu("relu", swapped ? b.add("add", second, first) : b.add("add", first, second))});
}

TEST(DiscoverTies, AsksTheBranchesNotTheirOrder) {
  for (const bool swapped : {false, true}) {
    EXPECT_EQ(ties_of(branches(1, 3, swapped)), Ties{"right2<-left0"});
    EXPECT_EQ(ties_of(branches(3, 1, swapped)), Ties{"left2<-right0"});
    EXPECT_EQ(ties_of(branches(2, 2, swapped)), Ties{});
  }
}

TEST(DiscoverTies, FindsAProjectionBehindAPool) {
  EXPECT_EQ(ties_of(branches(1, 2, false, true)), Ties{"right1<-left0"});
}

TEST(DiscoverTies, LetsTheLargerOfTwoEqualBranchesLead) {
  GraphBuilder b("multi_branch");
  const ValueId x = b.input("input", tie_image(4));
  const ValueId large = b.norm("norm3", b.conv("conv3x3", x, {.out = 4, .kernel = 3}));
  const ValueId small = b.norm("norm1", b.conv("conv1x1", x, {.out = 4}));
  EXPECT_EQ(ties_of(b.finish({b.add("add", small, large)})), Ties{"conv3x3<-conv1x1"});
}

TEST(DiscoverTies, DoesNotTieActivatedBranches) {
  GraphBuilder b("activated");
  const ValueId x = b.input("input", tie_image(4));
  const ValueId left = b.relu("left.relu", b.conv("left", x, {.out = 4}));
  const ValueId right = b.relu("right.relu", b.conv("right", x, {.out = 4, .kernel = 3}));
  EXPECT_EQ(ties_of(b.finish({b.add("add", left, right)})), Ties{});
}

/// Convolution `name` over `x` that reads the weight of convolution "first" again.
ValueId again(GraphBuilder& b, const std::string& name, ValueId x) {
  const ValueId weight = b.graph().find_value("first.weight");
  return b.op({.name = name, .op_type = "Conv", .inputs = {x, weight}}, b.shape(x));
}

TEST(DiscoverTies, TiesLayersThatShareAWeight) {
  GraphBuilder b("shared");
  ValueId x = b.relu("relu1", b.conv("first", b.input("input", tie_image(4)), {.out = 4}));
  x = b.relu("relu2", again(b, "second", x));
  EXPECT_EQ(ties_of(b.finish({again(b, "third", x)})), Ties{"first<-second,third"});
}

TEST(DiscoverTies, PutsEveryFollowerIntoOneTie) {
  // "first" is a projection that follows "main1", and shares its weight with "head".
  GraphBuilder b("chained");
  const ValueId x = b.relu("stem.relu", b.conv("stem", b.input("input", tie_image(4)), {.out = 4}));
  const ValueId main0 = b.relu("main0.relu", b.conv("main0", x, {.out = 4}));
  const ValueId main1 = b.conv("main1", main0, {.out = 4});
  const ValueId sum = b.relu("relu", b.add("add", main1, b.conv("first", x, {.out = 4})));
  EXPECT_EQ(ties_of(b.finish({again(b, "head", sum)})), Ties{"main1<-first,head"});
}

}  // namespace
}  // namespace ompq::graph
