#include "ompq/rounding/calibration.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ompq/core/error.h"
#include "support/graph_builder.h"
#include "support/memory_dataset.h"

namespace ompq::rounding {
namespace {

using testing::GraphBuilder;
using ::testing::HasSubstr;
using testing::MemoryDataset;

/// Two convolutions that read the input, and one after the sum of both.
graph::Graph two_readers() {
  GraphBuilder builder("two_readers");
  const auto x = builder.input(
      "input",
      {graph::Dim::batch(), graph::Dim::fixed(3), graph::Dim::fixed(8), graph::Dim::fixed(8)});
  const auto a = builder.conv("a", x, {.out = 8, .kernel = 3});
  const auto b = builder.conv("b", x, {.out = 8, .kernel = 1});
  const auto sum = builder.relu("relu", builder.add("sum", a, b));
  return builder.finish({builder.conv("c", sum, {.out = 4, .kernel = 1})});
}

ActivationQuantizers calibrate(const graph::Graph& graph, int bits, Tensor samples) {
  const auto layers = graph::discover(graph).layers;
  MemoryDataset dataset(std::move(samples));
  return calibrate_activations(
      graph,
      layers,
      std::vector<BitWidth>(layers.size(), BitWidth(bits)),
      dataset,
      testing::all_indices(dataset.size()),
      {.range = quant::RangeMethod::MinMax, .batch_size = 3, .target = "exact"});
}

TEST(CalibrateActivations, GivesOneQuantizerToAllReadersOfAValue) {
  const graph::Graph graph = two_readers();
  const auto quantizers = calibrate(graph, 8, testing::normal_samples({8, 3, 8, 8}, 1));
  EXPECT_EQ(quantizers.size(), 2U);
  EXPECT_TRUE(quantizers.contains(graph.inputs().front()));
}

TEST(CalibrateActivations, MinMaxRangeHoldsEveryValueOfEveryBatch) {
  const graph::Graph graph = two_readers();
  const Tensor samples = testing::normal_samples({8, 3, 8, 8}, 2);
  const auto params = calibrate(graph, 8, samples).at(graph.inputs().front());
  const auto [min, max] = std::ranges::minmax(samples.data<float>());
  const float scale = params.scale.front();
  const auto zero = static_cast<float>(params.zero_point.front());
  // Rounding the zero point to a whole number may shift the range by half a step.
  EXPECT_LE(scale * (0 - zero), min + 0.51F * scale);
  EXPECT_GE(scale * (255 - zero), max - 0.51F * scale);
}

/// Samples that calibration does not see may be larger, unless a Clip bounds them: there, a larger
/// scale would keep the Clip in the file.
TEST(CalibrateActivations, LeavesRoomAboveTheRangeUnlessAClipBoundsIt) {
  GraphBuilder builder("bounded");
  const auto x = builder.input(
      "x", {graph::Dim::batch(), graph::Dim::fixed(3), graph::Dim::fixed(8), graph::Dim::fixed(8)});
  const auto a = builder.clip("clip", builder.conv("a", x, {.out = 8, .kernel = 3}), 0.0F, 0.5F);
  const auto b = builder.relu("relu", builder.conv("b", a, {.out = 8, .kernel = 3}));
  const graph::Graph graph = builder.finish({builder.conv("c", b, {.out = 4, .kernel = 1})});
  const auto layers = graph::discover(graph).layers;
  const std::vector<BitWidth> widths(layers.size(), BitWidth(8));
  const auto with = [&](const std::string& target) {
    MemoryDataset dataset(testing::normal_samples({8, 3, 8, 8}, 3));
    return calibrate_activations(graph,
                                 layers,
                                 widths,
                                 dataset,
                                 testing::all_indices(8),
                                 {.range = quant::RangeMethod::MinMax, .target = target});
  };
  const auto exact = with("exact");
  const auto integer = with("onnxruntime");
  const graph::ValueId clipped = graph.find_value("clip_output");
  EXPECT_EQ(integer.at(clipped).scale.front(), 0.5F / 255.0F);
  // Short scales are rounded up by less than 1/16.
  const auto expect_between = [&](const char* name, float room) {
    const graph::ValueId value = graph.find_value(name);
    const float observed = integer.at(value).scale.front() / room;
    const float rounded = exact.at(value).scale.front();
    EXPECT_LE(observed, rounded * 1.00001F) << name;
    EXPECT_GT(observed * 17.0F / 16.0F, rounded) << name;
  };
  expect_between("x", 1.0F);
  expect_between("relu_output", 1.03F);
}

TEST(CalibrateActivations, NamesTheLayerThatReadsNaN) {
  const graph::Graph graph = two_readers();
  Tensor samples = testing::normal_samples({4, 3, 8, 8}, 3);
  samples.mutable_data<float>()[100] = std::numeric_limits<float>::quiet_NaN();
  try {
    (void)calibrate(graph, 8, samples);
    FAIL() << "NaN was calibrated";
  } catch (const DataError& error) {
    EXPECT_THAT(error.what(), HasSubstr("input of layer 'a'"));
  }
}

TEST(InsertActivationQuantizers, EveryReaderSeesTheQuantizedValue) {
  graph::Graph graph = two_readers();
  const auto quantizers = calibrate(graph, 8, testing::normal_samples({4, 3, 8, 8}, 4));
  insert_activation_quantizers(graph, quantizers);
  for (const auto& layer : graph::discover(graph).layers) {
    const auto maker = graph.producer(graph.node(layer.node).input(0));
    ASSERT_NE(maker, graph::kNoNode) << layer.name;
    EXPECT_EQ(graph.node(maker).op_type, "DequantizeLinear") << layer.name;
  }
}

TEST(InsertActivationQuantizers, FewerThanEightBitsLeaveNoMoreLevels) {
  graph::Graph graph = two_readers();
  const Tensor samples = testing::normal_samples({4, 3, 8, 8}, 5);
  insert_activation_quantizers(graph, calibrate(graph, 3, samples));
  const auto real = graph.find_value(graph.value(graph.inputs().front()).name + "_q_dq_output");
  ASSERT_NE(real, graph::kNoValue);
  runtime::Executor executor(graph, {.captured = {real}});
  std::set<float> levels;
  (void)executor.run(std::vector<Tensor>{samples}, [&](graph::ValueId, const MatrixView& view) {
    const auto* values = static_cast<const float*>(view.data);
    for (std::int64_t i = 0; i < view.rows * view.cols; ++i) levels.insert(values[i]);
  });
  EXPECT_LE(levels.size(), 8U);
  EXPECT_GE(levels.size(), 6U);
}

}  // namespace
}  // namespace ompq::rounding
