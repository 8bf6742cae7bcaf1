#include "ompq/pipeline/value_comparison.h"

#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ompq/core/error.h"
#include "support/graph_builder.h"

namespace ompq::pipeline {
namespace {

using ::testing::ElementsAre;

TEST(ValueComparison, AccumulatesTheSums) {
  ValueComparison sums;
  const std::vector<float> a{3, 4};
  const std::vector<float> b{3, 5};
  sums.add(a, b);
  EXPECT_NEAR(*sums.snr_db(), 10 * std::log10(25.0), 1e-12);
  EXPECT_NEAR(*sums.cosine(), 29 / std::sqrt(25.0 * 34.0), 1e-12);
  EXPECT_EQ(sums.largest, 1);
  sums.add(a, a);
  EXPECT_NEAR(*sums.snr_db(), 10 * std::log10(50.0), 1e-12);
  EXPECT_EQ(sums.elements, 4);
  EXPECT_THROW(sums.add(a, std::vector<float>{1}), ShapeError);
}

TEST(ValueComparison, HasNoRatioWithoutNoiseOrSignal) {
  ValueComparison none;
  EXPECT_FALSE(none.snr_db());
  EXPECT_FALSE(none.cosine());
  none.add(std::vector<float>{0, 0}, std::vector<float>{1, 0});
  EXPECT_FALSE(none.snr_db());
  EXPECT_TRUE(none.finite());
  none.add(std::vector<float>{1}, std::vector<float>{std::numeric_limits<float>::infinity()});
  EXPECT_FALSE(none.snr_db());
  EXPECT_FALSE(none.finite());
}

TEST(FloatsOf, ConvertsEveryTypeAndSkipsPadding) {
  const std::vector<float> floats{1, 2, 99, 3, 4, 99};
  EXPECT_THAT(floats_of({floats.data(), DataType::Float32, 2, 2, 3}), ElementsAre(1, 2, 3, 4));
  const std::vector<double> doubles{0.5, -1.5};
  EXPECT_THAT(floats_of({doubles.data(), DataType::Float64, 1, 2, 2}), ElementsAre(0.5F, -1.5F));
  const std::vector<std::uint16_t> brains{0x3f80, 0xc000};
  EXPECT_THAT(floats_of({brains.data(), DataType::BFloat16, 1, 2, 2}), ElementsAre(1.0F, -2.0F));
}

TEST(RunCaptured, ReturnsTheCapturedValues) {
  testing::GraphBuilder builder("net");
  const auto x = builder.input("x", {graph::Dim::batch(), graph::Dim::fixed(2)});
  const auto inner = builder.unary("Neg", "inner", x);
  const graph::Graph graph = builder.finish({builder.relu("relu", inner)});
  runtime::Executor executor(graph, {.threads = 1, .captured = {inner}});
  const std::vector<Tensor> inputs{Tensor::from<float>({2, 2}, {1, -2, 3, 4})};
  const CapturedBatch batch = run_captured(executor, inputs);
  ASSERT_EQ(batch.values.size(), 1U);
  EXPECT_THAT(batch.values.at(inner), ElementsAre(-1, 2, -3, -4));
  EXPECT_THAT(batch.outputs.front().data<float>(), ElementsAre(0, 2, 0, 0));
}

TEST(CaptureBatchSize, DecreasesWithTheSizeOfTheValues) {
  testing::GraphBuilder builder("large");
  constexpr std::int64_t kMillion = 1 << 20;
  const auto x = builder.input("x", {graph::Dim::batch(), graph::Dim::fixed(kMillion)});
  const graph::Graph graph = builder.finish({builder.relu("relu", x)});
  EXPECT_EQ(capture_batch_size(graph, {}, 64), 64);
  // 256 MiB over 4 MiB a sample, and 4 bytes.
  const std::vector<graph::ValueId> one{x};
  EXPECT_EQ(capture_batch_size(graph, one, 1000), 63);
  const std::vector<graph::ValueId> hundred(100, x);
  EXPECT_EQ(capture_batch_size(graph, hundred, 64), 1) << "at least one sample";
}

}  // namespace
}  // namespace ompq::pipeline
