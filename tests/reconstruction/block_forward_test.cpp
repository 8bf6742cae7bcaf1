#include "ompq/reconstruction/block_forward.h"

#include <cstdint>
#include <memory>
#include <numeric>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ompq/quant/quantized_tensor.h"
#include "ompq/rounding/block_graph.h"
#include "ompq/rounding/quantize_weights.h"
#include "ompq/runtime/executor.h"
#include "support/graph_builder.h"
#include "support/memory_dataset.h"

namespace ompq::reconstruction {
namespace {

using graph::Dim;
using graph::Graph;
using graph::ValueId;
using ompq::testing::GraphBuilder;
using ompq::testing::normal_samples;
using ::testing::ElementsAre;

Tensor run_once(const Graph& graph, const Tensor& input) {
  runtime::Executor executor(graph, {.threads = 1});
  return executor.run({&input, 1}).front();
}

class QuantizedPartTest : public ::testing::Test {
 protected:
  QuantizedPartTest() {
    GraphBuilder builder("two");
    const ValueId x = builder.input("x", {Dim::batch(), Dim::fixed(6)});
    hidden_ = builder.relu("relu", builder.gemm("a", x, 5));
    whole_ = builder.finish({builder.gemm("b", hidden_, 4)});
    layers_ = graph::discover(whole_).layers;
    Graph rounded = whole_;
    codes_.weights = rounding::quantize_weights(rounded, layers_, {BitWidth(3), BitWidth(2)});
  }
  /// The nodes that compute the hidden value, and those that compute the output from it.
  [[nodiscard]] rounding::PartGraph part(bool first) const {
    const std::vector<ValueId> between{hidden_};
    const std::vector<graph::NodeId> head{0, 1};
    const std::vector<graph::NodeId> tail{2};
    return first ? rounding::extract_part(whole_, head, whole_.inputs(), between)
                 : rounding::extract_part(whole_, tail, between, whole_.outputs());
  }
  [[nodiscard]] std::vector<float> weight_of(const Graph& graph, const char* name) const {
    return graph.value(graph.find_value(name)).constant->to_floats();
  }

  Graph whole_;
  ValueId hidden_ = graph::kNoValue;
  std::vector<graph::Layer> layers_;
  rounding::NetworkCodes codes_;
};

TEST_F(QuantizedPartTest, HasTheWeightsOfTheCodes) {
  const Graph graph = quantized_part(part(false), layers_, codes_);
  EXPECT_EQ(weight_of(graph, "b.weight"),
            quant::dequantize(codes_.weights.at("b.weight")).to_floats());
  codes_.weights.erase("b.weight");
  EXPECT_EQ(weight_of(quantized_part(part(false), layers_, codes_), "b.weight"),
            weight_of(whole_, "b.weight"))
      << "a weight without codes stays float";
}

TEST_F(QuantizedPartTest, QuantizesActivationsWhereTheyAreRead) {
  codes_.activations[hidden_] = {.bits = BitWidth(2), .scale = {0.5F}, .zero_point = {0}};
  codes_.biases = {{"b.bias", std::vector<float>(4, 0.0F)}};
  const Tensor input = normal_samples({3, 5}, 8);
  const Graph reading = quantized_part(part(false), layers_, codes_);
  rounding::NetworkCodes unquantized = codes_;
  unquantized.activations.clear();
  const Tensor expected = run_once(quantized_part(part(false), layers_, unquantized),
                                   quant::fake_quantize(input, codes_.activations.at(hidden_)));
  const auto got = run_once(reading, input).to_floats();
  for (std::size_t i = 0; i < got.size(); ++i) {
    EXPECT_NEAR(got[i], expected.to_floats()[i], 1e-5F) << i;
  }
  // The part that makes the value leaves it float.
  const Tensor x = normal_samples({3, 6}, 9);
  const Tensor made = run_once(quantized_part(part(true), layers_, codes_), x);
  EXPECT_TRUE(made.equals(run_once(quantized_part(part(true), layers_, unquantized), x)));
}

TEST_F(QuantizedPartTest, HasTheNewBiases) {
  codes_.biases = {{"b.bias", {1.0F, -2.0F, 3.0F, 0.5F}}};
  EXPECT_THAT(weight_of(quantized_part(part(false), layers_, codes_), "b.bias"),
              ElementsAre(1.0F, -2.0F, 3.0F, 0.5F));
}

std::vector<float> forward_row(const rounding::SampleCache& cache, std::int64_t row) {
  std::vector<float> values(static_cast<std::size_t>(cache.cols()));
  cache.read(row, values);
  return values;
}

TEST(CacheSamples, StoresImagesAsHeightWidthChannel) {
  rounding::CacheMemory memory(1 << 20);
  rounding::SampleCache cache(3, 4, memory, rounding::CacheElement::Float32);
  cache_samples(Tensor::from<float>({2, 2, 1, 2}, {1, 2, 3, 4, 5, 6, 7, 8}), 1, 2, cache);
  EXPECT_THAT(forward_row(cache, 1), ElementsAre(1, 3, 2, 4));
  EXPECT_THAT(forward_row(cache, 2), ElementsAre(5, 7, 6, 8));
}

TEST(RunCached, ComputesWhatTheExecutorComputes) {
  GraphBuilder builder("head");
  const ValueId x = builder.input("x", {Dim::batch(), Dim::fixed(3), Dim::fixed(4), Dim::fixed(2)});
  const ValueId flat = builder.flatten("flatten", x);  // its order is channel, height, width
  const Graph graph = builder.finish({builder.gemm("fc", flat, 5)});
  const Tensor samples = normal_samples({7, 3, 4, 2}, 5);
  rounding::CacheMemory memory(1 << 20);
  const auto inputs =
      std::make_shared<rounding::SampleCache>(7, 24, memory, rounding::CacheElement::Float32);
  const auto outputs =
      std::make_shared<rounding::SampleCache>(7, 5, memory, rounding::CacheElement::Float32);
  cache_samples(samples, 0, 7, *inputs);
  run_cached(graph, {&inputs, 1}, {&outputs, 1}, 3, {.threads = 1});
  const std::vector<float> expected = run_once(graph, samples).to_floats();
  for (std::int64_t row = 0; row < 7; ++row) {
    const std::vector<float> got = forward_row(*outputs, row);
    for (std::size_t c = 0; c < 5; ++c) {
      EXPECT_NEAR(got[c], expected[static_cast<std::size_t>(row) * 5 + c], 1e-5F) << row;
    }
  }
}

TEST(CachedForward, RunsTheGivenRowsInTheirOrder) {
  GraphBuilder builder("negative");
  const ValueId x = builder.input("x", {Dim::batch(), Dim::fixed(1)});
  const Graph graph = builder.finish({builder.unary("Neg", "neg", x)});
  rounding::CacheMemory memory(1 << 20);
  const auto inputs =
      std::make_shared<rounding::SampleCache>(5, 1, memory, rounding::CacheElement::Float32);
  cache_samples(Tensor::from<float>({5, 1}, {0, 1, 2, 3, 4}), 0, 5, *inputs);
  CachedForward forward(graph, 2, {.threads = 1});
  std::vector<float> made;
  const std::vector<std::int64_t> rows{4, 0, 3};
  forward.run({&inputs, 1}, rows, [&](std::size_t output, std::int64_t first, const MatrixView& m) {
    EXPECT_EQ(output, 0U);
    EXPECT_EQ(first, static_cast<std::int64_t>(made.size()));
    const auto* values = static_cast<const float*>(m.data);
    for (std::int64_t r = 0; r < m.rows; ++r) made.push_back(values[r * m.row_stride]);
  });
  EXPECT_THAT(made, ElementsAre(-4, 0, -3));
}

TEST(MeasureError, SumsWeightedSquares) {
  GraphBuilder builder("same");
  const ValueId x = builder.input("x", {Dim::batch(), Dim::fixed(2)});
  const Graph graph = builder.finish({builder.relu("relu", x)});
  rounding::CacheMemory memory(1 << 20);
  const auto cached = [&](const std::vector<float>& values) {
    auto cache =
        std::make_shared<rounding::SampleCache>(2, 2, memory, rounding::CacheElement::Float32);
    cache_samples(Tensor::from({2, 2}, values), 0, 2, *cache);
    return cache;
  };
  const auto inputs = cached({9, 9, 1, 2});
  const auto targets = cached({0, 0, 1, 1});
  const auto roots = cached({0, 0, 1, 2});
  const std::vector<std::int64_t> rows{1};
  const BlockError plain = measure_error(graph, inputs, *targets, nullptr, rows, 8, 1);
  EXPECT_EQ(plain.noise, 1.0);
  EXPECT_EQ(plain.signal, 2.0);
  EXPECT_NEAR(plain.snr_db(), 3.0103, 1e-4);
  const BlockError weighted = measure_error(graph, inputs, *targets, roots.get(), rows, 8, 1);
  EXPECT_EQ(weighted.noise, 4.0);
  EXPECT_EQ(weighted.signal, 5.0);
}

}  // namespace
}  // namespace ompq::reconstruction
