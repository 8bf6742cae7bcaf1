#include "ompq/reconstruction/cached_inputs.h"

#include <cstdint>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/graph_builder.h"

namespace ompq::reconstruction {
namespace {

using graph::Dim;
using graph::Graph;
using graph::ValueId;
using ompq::testing::GraphBuilder;
using rounding::CacheElement;
using rounding::SampleCache;
using ::testing::ElementsAre;

std::vector<float> input_row(const SampleCache& cache, std::int64_t row) {
  std::vector<float> values(static_cast<std::size_t>(cache.cols()));
  cache.read(row, values);
  return values;
}

TEST(CacheInputs, WritesOneRowPerSampleForAnyBatchAxis) {
  GraphBuilder builder("axes");
  const ValueId first = builder.input("first", {Dim::batch(), Dim::fixed(2)});
  const ValueId second = builder.input("second", {Dim::fixed(2), Dim::batch()});
  const Graph graph = builder.finish({builder.relu("a", first), builder.relu("b", second)});
  rounding::CacheMemory memory(1 << 20);
  SampleCache rows(4, 2, memory, CacheElement::Float32);
  SampleCache columns(4, 2, memory, CacheElement::Float32);
  const data::Batch batch{.inputs = {Tensor::from<float>({3, 2}, {1, 2, 3, 4, 5, 6}),
                                     Tensor::from<float>({2, 3}, {1, 2, 3, 4, 5, 6})},
                          .labels = {},
                          .size = 3};
  const std::int64_t written = cache_inputs(
      graph, batch, 1, [&](ValueId input) { return input == first ? &rows : &columns; });
  EXPECT_EQ(written, 3);
  EXPECT_THAT(input_row(rows, 1), ElementsAre(1, 2));
  EXPECT_THAT(input_row(rows, 3), ElementsAre(5, 6));
  EXPECT_THAT(input_row(columns, 1), ElementsAre(1, 4));
  EXPECT_THAT(input_row(columns, 3), ElementsAre(3, 6));
}

TEST(CacheInputs, SkipsInputsWithoutACache) {
  GraphBuilder builder("unused");
  const ValueId x = builder.input("x", {Dim::batch(), Dim::fixed(2)});
  const Graph graph = builder.finish({builder.relu("relu", x)});
  const data::Batch batch{
      .inputs = {Tensor::from<float>({3, 2}, {1, 2, 3, 4, 5, 6})}, .labels = {}, .size = 3};
  EXPECT_EQ(cache_inputs(graph, batch, 0, [](ValueId) { return nullptr; }), 3);
}

TEST(CacheInputs, WritesOneRowPerPassOfAFixedBatch) {
  GraphBuilder builder("fixed");
  const ValueId x = builder.input("x", {Dim::fixed(2), Dim::fixed(2)});
  const Graph graph = builder.finish({builder.relu("relu", x)});
  rounding::CacheMemory memory(1 << 20);
  SampleCache cache(2, 4, memory, CacheElement::Float32);
  // Three samples: the last pass is filled with the last one.
  const data::Batch batch{
      .inputs = {Tensor::from<float>({3, 2}, {1, 2, 3, 4, 5, 6})}, .labels = {}, .size = 3};
  EXPECT_EQ(cache_inputs(graph, batch, 0, [&](ValueId) { return &cache; }), 2);
  EXPECT_THAT(input_row(cache, 0), ElementsAre(1, 2, 3, 4));
  EXPECT_THAT(input_row(cache, 1), ElementsAre(5, 6, 5, 6));
}

TEST(AtBatch, FixesTheOpenExtents) {
  GraphBuilder builder("open");
  const ValueId x = builder.input("x", {Dim::batch(), Dim::fixed(3)});
  const ValueId y = builder.relu("relu", x);
  const Graph graph = at_batch(builder.finish({y}), 5);
  for (const ValueId value : {x, y}) {
    const graph::Shape& shape = *graph.value(value).shape;
    EXPECT_TRUE(shape[0].is_fixed());
    EXPECT_EQ(shape[0].size, 5);
    EXPECT_EQ(shape[1].size, 3);
  }
}

}  // namespace
}  // namespace ompq::reconstruction
