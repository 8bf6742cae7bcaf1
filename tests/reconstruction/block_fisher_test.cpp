#include "ompq/reconstruction/block_fisher.h"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <map>
#include <numeric>
#include <vector>

#include <gtest/gtest.h>

#include "ompq/core/error.h"
#include "support/graph_builder.h"
#include "support/memory_dataset.h"

namespace ompq::reconstruction {
namespace {

using graph::Dim;
using graph::ValueId;
using ompq::testing::all_indices;
using ompq::testing::GraphBuilder;
using ompq::testing::MemoryDataset;
using ompq::testing::normal_samples;

struct FisherCase {
  graph::Graph graph;
  ValueId hidden = graph::kNoValue;
  ValueId output = graph::kNoValue;
  rounding::CacheMemory memory{1 << 24};

  FisherWeights of(ValueId value, MemoryDataset& dataset, std::uint64_t seed = 1) {
    return fisher_weights(graph, {value}, dataset, all_indices(dataset.size()), seed, memory, 1)
        .at(value);
  }
};

FisherCase classifier() {
  GraphBuilder builder("classifier");
  const ValueId x = builder.input("x", {Dim::batch(), Dim::fixed(4)});
  FisherCase made;
  made.hidden = builder.relu("relu", builder.gemm("a", x, 7));
  made.output = builder.gemm("b", made.hidden, 5);
  made.graph = builder.finish({made.output});
  return made;
}

std::vector<float> fisher_row(const FisherWeights& weights, std::int64_t row) {
  std::vector<float> values(static_cast<std::size_t>(weights.roots->cols()));
  weights.roots->read(row, values);
  return values;
}

TEST(FisherWeights, OfLogitsAreThoseOfTheCrossEntropy) {
  FisherCase made = classifier();
  MemoryDataset dataset(normal_samples({20, 4}, 3));
  const FisherWeights weights = made.of(made.output, dataset);
  ASSERT_EQ(weights.roots->rows(), 20);
  ASSERT_EQ(weights.roots->cols(), 5);
  for (std::int64_t row = 0; row < 20; ++row) {
    // The gradient is p - 1 for the drawn class and p for the others, so it sums to zero.
    const std::vector<float> roots = fisher_row(weights, row);
    const float drawn = *std::ranges::max_element(roots);
    const float sum = std::accumulate(roots.begin(), roots.end(), 0.0F);
    EXPECT_NEAR(sum - drawn, drawn, 1e-3F) << row;
    EXPECT_GT(drawn, 0.0F);
    EXPECT_LE(drawn, 1.0F);
  }
}

TEST(FisherWeights, HaveTheMeanSquareOfTheirRoots) {
  FisherCase made = classifier();
  MemoryDataset dataset(normal_samples({20, 4}, 3));
  const FisherWeights weights = made.of(made.hidden, dataset);
  double sum = 0.0;
  for (std::int64_t row = 0; row < 20; ++row) {
    for (const float root : fisher_row(weights, row)) sum += static_cast<double>(root) * root;
  }
  EXPECT_GT(sum, 0.0);
  // 16 bits per row in the cache.
  EXPECT_NEAR(sum / (20 * 7) / weights.mean_square, 1.0, 1e-3);
}

TEST(FisherWeights, AreTheSameForASeed) {
  FisherCase made = classifier();
  MemoryDataset dataset(normal_samples({20, 4}, 3));
  const auto roots = [&](std::uint64_t seed) {
    const FisherWeights weights = made.of(made.output, dataset, seed);
    std::vector<float> all;
    for (std::int64_t row = 0; row < 20; ++row) {
      const std::vector<float> own = fisher_row(weights, row);
      all.insert(all.end(), own.begin(), own.end());
    }
    return all;
  };
  EXPECT_EQ(roots(1), roots(1));
  EXPECT_NE(roots(1), roots(2)) << "other classes are drawn";
}

TEST(FisherWeights, AreOneForAnOutputThatIsNotClassScores) {
  GraphBuilder builder("image");
  const ValueId x = builder.input("x", {Dim::batch(), Dim::fixed(2), Dim::fixed(3), Dim::fixed(3)});
  FisherCase made;
  made.output = builder.conv("conv", x, {.out = 2, .kernel = 3});
  made.graph = builder.finish({made.output});
  MemoryDataset dataset(normal_samples({4, 2, 3, 3}, 3));
  const FisherWeights weights = made.of(made.output, dataset);
  for (std::int64_t row = 0; row < 4; ++row) {
    for (const float root : fisher_row(weights, row)) EXPECT_EQ(root, 1.0F);
  }
  EXPECT_DOUBLE_EQ(weights.mean_square, 1.0);
}

TEST(FisherWeights, HaveOneRowPerPassOfAFixedBatch) {
  GraphBuilder builder("fixed");
  const ValueId x = builder.input("x", {Dim::fixed(2), Dim::fixed(4)});
  FisherCase made;
  made.output = builder.gemm("fc", x, 5);
  made.graph = builder.finish({made.output});
  MemoryDataset dataset(normal_samples({6, 4}, 3));
  const FisherWeights weights = made.of(made.output, dataset);
  EXPECT_EQ(weights.roots->rows(), 3);
  EXPECT_EQ(weights.roots->cols(), 2 * 5);
}

TEST(FisherWeights, RejectNaN) {
  FisherCase made = classifier();
  Tensor samples = normal_samples({4, 4}, 3);
  samples.mutable_data<float>()[5] = std::numeric_limits<float>::quiet_NaN();
  MemoryDataset dataset(samples);
  EXPECT_THROW((void)made.of(made.hidden, dataset), DataError);
}

}  // namespace
}  // namespace ompq::reconstruction
