#include "ompq/rounding/equalization.h"

#include <cmath>

#include <gtest/gtest.h>

#include "ompq/graph/passes.h"
#include "support/graph_builder.h"
#include "support/memory_dataset.h"
#include "support/zoo.h"

namespace ompq::rounding {
namespace {

using graph::Dim;
using graph::Graph;
using ompq::testing::all_indices;
using ompq::testing::GraphBuilder;
using ompq::testing::MemoryDataset;
using ompq::testing::normal_samples;

std::vector<float> outputs_of(const Graph& graph, const Tensor& samples) {
  runtime::Executor executor(graph, {.threads = 1, .fuse = false});
  return executor.run({&samples, 1}).front().to_floats();
}

void expect_same_outputs(const Graph& a, const Graph& b, const Tensor& samples) {
  const auto before = outputs_of(a, samples);
  const auto after = outputs_of(b, samples);
  float max = 0.0F;
  for (const float value : before) max = std::max(max, std::abs(value));
  for (std::size_t i = 0; i < before.size(); ++i) {
    // Rounding of float32 sums through all layers.
    EXPECT_NEAR(before[i], after[i], 1e-4F * max);
  }
}

double greatest_spread(const Graph& graph, graph::ValueId weight) {
  const Tensor& w = *graph.value(weight).constant;
  const auto values = w.data<float>();
  const std::size_t inner = values.size() / static_cast<std::size_t>(w.shape()[0]);
  double min = 1e30;
  double max = 0.0;
  for (std::size_t c = 0; c * inner < values.size(); ++c) {
    double range = 0.0;
    for (std::size_t i = 0; i < inner; ++i) {
      range = std::max(range, std::abs(static_cast<double>(values[c * inner + i])));
    }
    min = std::min(min, range);
    max = std::max(max, range);
  }
  return max / min;
}

/// Convolution, activation, depthwise, activation, convolution; channels of very different size.
Graph uneven(float bound) {
  GraphBuilder b("uneven", 2);
  auto x = b.input("x", {Dim{1, true}, Dim{3}, Dim{8}, Dim{8}});
  const auto cut = [&](const std::string& name, graph::ValueId y) {
    return bound > 0 ? b.clip(name, y, 0.0F, bound) : b.relu(name, y);
  };
  x = cut("r1", b.conv("a", x, {.out = 6, .kernel = 3, .bias = true}));
  x = cut("r2", b.conv("dw", x, {.out = 6, .kernel = 3, .groups = 6, .bias = true}));
  Graph graph = b.finish({b.conv("c", x, {.out = 4, .bias = true})});
  for (const char* name : {"a.weight", "a.bias"}) {
    Tensor& values = *graph.mutable_value(graph.find_value(name)).constant;
    const auto data = values.mutable_data<float>();
    const std::size_t inner = data.size() / 6;
    for (std::size_t i = 0; i < data.size(); ++i) {
      data[i] *= std::pow(4.0F, static_cast<float>(i / inner) - 3.0F);
    }
  }
  return graph;
}

TEST(Equalize, KeepsTheFunctionAndEvensTheChannels) {
  const Graph before = uneven(0.0F);
  Graph after = before;
  const auto layers = graph::discover(before).layers;
  const EqualizationReport report = equalize(after, layers, {});
  EXPECT_EQ(report.pairs, 2);
  EXPECT_GT(report.channels, 0);
  expect_same_outputs(before, after, normal_samples({4, 3, 8, 8}, 1));
  EXPECT_LT(greatest_spread(after, layers[0].weight),
            0.2 * greatest_spread(before, layers[0].weight));
}

TEST(Equalize, KeepsTheFunctionThroughABoundOnWhatItHasSeen) {
  const Graph before = uneven(2.0F);
  Graph after = before;
  const auto layers = graph::discover(before).layers;
  const Tensor samples = normal_samples({16, 3, 8, 8}, 1);
  MemoryDataset dataset(samples);
  const ChannelMaxima maxima =
      channel_maxima(before, layers, dataset, all_indices(16), 8, {.threads = 1});
  ASSERT_EQ(maxima.size(), 2U);
  const EqualizationReport report = equalize(after, layers, maxima);
  EXPECT_GT(report.channels, 0);
  expect_same_outputs(before, after, samples);
}

TEST(Equalize, LeavesABoundAloneThatItKnowsNothingOf) {
  const Graph before = uneven(2.0F);
  Graph after = before;
  EXPECT_EQ(equalize(after, graph::discover(before).layers, {}).pairs, 0);
  for (const auto& value : before.values()) {
    if (!value.constant || value.type != DataType::Float32) continue;
    EXPECT_EQ(value.constant->to_floats(),
              after.value(after.find_value(value.name)).constant->to_floats());
  }
}

TEST(Equalize, KeepsTheFunctionOfWholeNetworks) {
  for (const Graph& made : {ompq::testing::zoo::mobilenet_v2({.image_size = 32, .classes = 7}),
                            ompq::testing::zoo::resnet18({.image_size = 32, .classes = 7}),
                            ompq::testing::zoo::squeeze_net()}) {
    Graph before = made;
    (void)graph::fold_batch_norms(before);
    Graph after = before;
    const auto layers = graph::discover(before).layers;
    const auto& shape = *before.value(before.inputs().front()).shape;
    const Tensor samples = normal_samples(graph::extents_at(shape, 4), 1);
    MemoryDataset dataset(samples);
    const ChannelMaxima maxima =
        channel_maxima(before, layers, dataset, all_indices(4), 4, {.threads = 2});
    const EqualizationReport report = equalize(after, layers, maxima);
    EXPECT_GT(report.pairs, 0);
    expect_same_outputs(before, after, samples);
  }
}

}  // namespace
}  // namespace ompq::rounding
