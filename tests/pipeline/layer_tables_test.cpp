#include "ompq/pipeline/layer_tables.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/graph_builder.h"

namespace ompq::pipeline {
namespace {

using graph::Dim;

/// Whether each layer reads what the network is given, after preprocessing of all kinds.
TEST(NetworkInput, IsAnInputMovedShiftedOrScaled) {
  testing::GraphBuilder builder("preprocessed");
  const auto image =
      builder.input("image", {Dim::batch(), Dim::fixed(8), Dim::fixed(8), Dim::fixed(3)});
  auto x = builder.transpose("nchw", image, {0, 3, 1, 2});
  x = builder.binary(
      "Sub", "mean", x, builder.constant("means", Tensor::from<float>({3, 1, 1}, {1, 2, 3})));
  x = builder.binary("Mul", "scaled", x, builder.constant("scale", Tensor::scalar(0.5F)));
  const auto first = builder.conv("first", x, {.out = 4, .kernel = 3, .bias = true});
  const auto second = builder.conv("second", builder.relu("relu", first), {.out = 4, .kernel = 3});
  const auto third = builder.conv("third", builder.relu("bent", x), {.out = 4, .kernel = 3});
  Model model;
  model.graph = builder.finish({builder.add("sum", second, third)});
  model.discovery = graph::discover(model.graph);
  ASSERT_EQ(model.discovery.layers.size(), 3U);
  for (const graph::Layer& layer : model.discovery.layers) {
    EXPECT_EQ(is_network_input(model.graph, layer.input), layer.name == "first") << layer.name;
  }
  EXPECT_TRUE(is_network_input(model.graph, image));
  std::size_t inputs = 0;
  for (const auto& activation : activation_costs(model)) inputs += activation.network_input ? 1 : 0;
  EXPECT_EQ(inputs, 1U);
}

}  // namespace
}  // namespace ompq::pipeline
