#include "ompq/diagnosis/layer_matching.h"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ompq/graph/layers.h"
#include "support/graph_builder.h"

namespace ompq::diagnosis {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

/// Two convolutions of one input, in either order.
pipeline::Model forked(bool left_first) {
  testing::GraphBuilder builder("fork");
  const auto x = builder.input(
      "x", {graph::Dim::batch(), graph::Dim::fixed(3), graph::Dim::fixed(4), graph::Dim::fixed(4)});
  const auto first = builder.conv(left_first ? "left" : "right", x, {.out = 4});
  const auto second = builder.conv(left_first ? "right" : "left", x, {.out = 4});
  pipeline::Model model;
  model.graph = builder.finish({builder.add("add", first, second)});
  model.discovery = graph::discover(model.graph);
  return model;
}

TEST(MatchLayers, MatchesByNameInAnyOrder) {
  const pipeline::Model a = forked(true);
  const pipeline::Model b = forked(false);
  const LayerMatching matching = match_layers(a, b);
  ASSERT_EQ(matching.layers.size(), 2U);
  for (const MatchedLayer& pair : matching.layers) {
    const auto& layer = a.discovery.layers.at(static_cast<std::size_t>(pair.layer_a));
    EXPECT_EQ(layer.name, b.discovery.layers.at(static_cast<std::size_t>(pair.layer_b)).name);
  }
  EXPECT_EQ(matching.layers[0].layer_b, 1);
}

TEST(MatchLayers, ComparesOperatorsIfAQuantizerReplacedTheActivation) {
  // Some tools remove a Relu before a quantizer whose range starts at zero.
  const auto build = [](bool keeps_relu) {
    testing::GraphBuilder builder("net");
    auto x = builder.input(
        "x",
        {graph::Dim::batch(), graph::Dim::fixed(3), graph::Dim::fixed(4), graph::Dim::fixed(4)});
    x = builder.conv("conv", x, {.out = 4, .kernel = 3, .bias = true});
    if (keeps_relu) x = builder.relu("relu", x);
    if (!keeps_relu) x = builder.quantize_dequantize("q", x, 0.05F, 0);
    pipeline::Model model;
    model.graph = builder.finish({builder.flatten("flat", x)});
    model.discovery = graph::discover(model.graph);
    return model;
  };
  const pipeline::Model with = build(true);
  const pipeline::Model without = build(false);
  const LayerMatching matching = match_layers(with, without);
  ASSERT_EQ(matching.layers.size(), 1U);
  EXPECT_EQ(matching.layers[0].value_a, with.discovery.layers[0].output);
  EXPECT_EQ(matching.layers[0].value_b, without.discovery.layers[0].output);
}

/// Convolutions with these names in a row; the last has `last` output channels.
pipeline::Model chain_of(const std::vector<std::string>& names, std::int64_t last = 4) {
  testing::GraphBuilder builder("chain");
  auto x = builder.input(
      "x", {graph::Dim::batch(), graph::Dim::fixed(4), graph::Dim::fixed(4), graph::Dim::fixed(4)});
  for (const std::string& name : names) {
    x = builder.conv(name, x, {.out = name == names.back() ? last : 4, .kernel = 3});
  }
  pipeline::Model model;
  model.graph = builder.finish({x});
  model.discovery = graph::discover(model.graph);
  return model;
}

TEST(MatchLayers, MatchesByOrderIfNamesDiffer) {
  const LayerMatching matching = match_layers(chain_of({"a", "b", "c"}), chain_of({"a", "y", "z"}));
  ASSERT_EQ(matching.layers.size(), 3U);
  EXPECT_EQ(matching.layers[1].by, MatchedBy::Order);
  for (std::size_t l = 0; l < 3; ++l) {
    EXPECT_EQ(matching.layers[l].layer_a, static_cast<graph::LayerId>(l));
    EXPECT_EQ(matching.layers[l].layer_b, static_cast<graph::LayerId>(l));
  }
}

TEST(MatchLayers, ListsLayersWithoutAMatch) {
  const LayerMatching matching = match_layers(chain_of({"a", "b", "c"}, 6), chain_of({"a", "b"}));
  EXPECT_THAT(matching.only_in_a, ElementsAre(2));
  EXPECT_THAT(matching.only_in_b, IsEmpty());
  const LayerMatching back = match_layers(chain_of({"a", "b"}), chain_of({"a", "b", "c"}, 6));
  EXPECT_THAT(back.only_in_b, ElementsAre(2));
}

TEST(MatchedBy, HasNames) {
  EXPECT_EQ(text_of(MatchedBy::ValueName), "value name");
  EXPECT_EQ(text_of(MatchedBy::NodeName), "node name");
  EXPECT_EQ(text_of(MatchedBy::Order), "order");
}

}  // namespace
}  // namespace ompq::diagnosis
