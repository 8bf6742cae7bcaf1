#include "ompq/distillation/distilled_samples.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ompq/core/error.h"
#include "ompq/core/random.h"
#include "support/graph_builder.h"
#include "support/memory_dataset.h"

namespace ompq::distillation {
namespace {

using graph::Dim;
using ompq::testing::all_indices;
using ompq::testing::GraphBuilder;
using ompq::testing::MemoryDataset;

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;

/// -x, for samples whose numbers are their indices.
graph::Graph negative(const Dim& batch) {
  GraphBuilder builder("negative");
  const auto x = builder.input("x", {batch, Dim::fixed(2)});
  return builder.finish({builder.unary("Neg", "neg", x)});
}

Tensor numbered(std::int64_t count) {
  Tensor samples(DataType::Float32, {count, 2});
  auto values = samples.mutable_data<float>();
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i / 2);
  return samples;
}

struct Distilled {
  explicit Distilled(std::int64_t count, SampleOptions options, const Dim& batch = Dim::batch())
      : graph(negative(batch)),
        dataset(numbered(count)),
        samples(graph, dataset, all_indices(count), std::move(options), random, {}) {}

  /// The first number of a cached row, which is the sample's index.
  static float first_of(const rounding::SampleCache& cache, std::int64_t row) {
    std::vector<float> values(static_cast<std::size_t>(cache.cols()));
    cache.read(row, values);
    return values.front();
  }
  /// The samples `indices` as a loader delivers them.
  data::LoadedBatch loaded(std::vector<std::int64_t> indices) {
    return {.batch = dataset.load(indices), .indices = std::move(indices), .position = {}};
  }

  graph::Graph graph;
  MemoryDataset dataset;
  Random random{7};
  DistilledSamples samples;
};

SampleOptions few_at_once(double held_out) {
  return {.batch = 4, .held_out = held_out, .memory_bytes = 1 << 20, .threads = 1};
}

TEST(DistilledSamples, HoldsOutWholeSteps) {
  const Distilled made(30, few_at_once(0.4));
  EXPECT_EQ(made.samples.held_out_rows(), 12);
  const std::vector<std::int64_t>& training = made.samples.training();
  EXPECT_EQ(training.size(), 18U);
  EXPECT_TRUE(std::ranges::is_sorted(training));
  for (std::int64_t row = 0; row < 12; ++row) {
    const float index = Distilled::first_of(made.samples.inputs(), row);
    EXPECT_THAT(training, Not(Contains(std::lround(index)))) << "a sample has one use";
    EXPECT_NEAR(Distilled::first_of(made.samples.targets(), row), -index, 2e-3F * (index + 1));
  }
}

TEST(DistilledSamples, UseAllSamplesTwiceIfThereAreFew) {
  const Distilled made(10, few_at_once(0.1));
  EXPECT_EQ(made.samples.training().size(), 10U);
  EXPECT_EQ(made.samples.held_out_rows(), 8);
}

TEST(DistilledSamples, DependOnTheRandomNumbers) {
  const graph::Graph graph = negative(Dim::batch());
  MemoryDataset dataset(numbered(40));
  const auto training_of = [&](std::uint64_t seed) {
    Random random(seed);
    return DistilledSamples(graph, dataset, all_indices(40), few_at_once(0.5), random, {})
        .training();
  };
  EXPECT_EQ(training_of(1), training_of(1));
  EXPECT_NE(training_of(1), training_of(2));
}

TEST(PutStep, StoresTheSamplesAfterTheHeldOutRows) {
  Distilled made(30, few_at_once(0.4));
  const float first = Distilled::first_of(made.samples.inputs(), 0);
  Random random(1);
  made.samples.put_step(made.loaded({3, 9, 8, 2}), random);
  EXPECT_EQ(Distilled::first_of(made.samples.inputs(), 12), 3.0F);
  EXPECT_EQ(Distilled::first_of(made.samples.inputs(), 15), 2.0F);
  EXPECT_EQ(Distilled::first_of(made.samples.targets(), 13), -9.0F);
  EXPECT_EQ(Distilled::first_of(made.samples.inputs(), 0), first) << "held-out rows stay";
}

TEST(PutStep, MixesTheSamplesBeforeTheFloatNetworkSeesThem) {
  SampleOptions options = few_at_once(0.4);
  options.mixing = Mixing::Blend;
  options.mixed = 1.0;
  Distilled made(30, options);
  Random random(1);
  made.samples.put_step(made.loaded({3, 9, 8, 2}), random);
  for (std::int64_t row = 12; row < 16; ++row) {
    const float mixed = Distilled::first_of(made.samples.inputs(), row);
    EXPECT_GT(mixed, 2.0F);
    EXPECT_LT(mixed, 9.0F);
    EXPECT_NE(mixed, std::round(mixed));
    EXPECT_NEAR(Distilled::first_of(made.samples.targets(), row), -mixed, 0.01F);
  }
}

TEST(PutStep, StoresFurtherOutputsOfTheStepAsFeatures) {
  GraphBuilder builder("two");
  const auto x = builder.input("x", {Dim::batch(), Dim::fixed(2)});
  const auto negative = builder.unary("Neg", "neg", x);
  const auto positive = builder.unary("Relu", "relu", x);
  const graph::Graph graph = builder.finish({negative, positive});
  MemoryDataset dataset(numbered(30));
  Random random(7);
  DistilledSamples samples(graph, dataset, all_indices(30), few_at_once(0.4), random, {});
  ASSERT_EQ(samples.features().size(), 1U);
  const std::vector<std::int64_t> indices{3, 9, 8, 2};
  samples.put_step({.batch = dataset.load(indices), .indices = indices, .position = {}}, random);
  const DistilledSamples::Feature& feature = samples.features().front();
  EXPECT_EQ(feature.targets->rows(), 4);
  EXPECT_EQ(Distilled::first_of(*feature.targets, 1), 9.0F);
  EXPECT_NEAR(feature.energy, 2.0 * (9 + 81 + 64 + 4) / 4, 1e-3) << "of two equal elements";
  EXPECT_EQ(Distilled::first_of(samples.targets(), 13), -9.0F);
}

TEST(PutStep, CountsTheSamplesThatCouldNotBeRead) {
  Distilled made(30, few_at_once(0.4));
  try {
    Random random(1);
    made.samples.put_step(made.loaded({3, 9, 8}), random);
    FAIL() << "accepted three of four samples";
  } catch (const DataError& error) {
    EXPECT_THAT(error.what(), HasSubstr("1 of 4 samples could not be read"));
  }
}

TEST(DistilledSamples, AreStepsOfPassesForAFixedBatch) {
  Distilled made(30, few_at_once(0.6), Dim::fixed(3));
  EXPECT_EQ(made.samples.samples_per_row(), 3);
  EXPECT_EQ(made.samples.rows_per_step(), 4);
  EXPECT_EQ(made.samples.samples_per_step(), 12);
  EXPECT_EQ(made.samples.held_out_rows(), 4) << "one step of 12 samples";
  EXPECT_EQ(made.samples.training().size(), 18U);
  EXPECT_EQ(made.samples.inputs().cols(), 3 * 2);
}

TEST(DistilledSamples, FillTheLastPassOfAFixedBatch) {
  const Distilled made(10, few_at_once(0.0), Dim::fixed(4));
  EXPECT_EQ(made.samples.training().size(), 12U);
  EXPECT_EQ(made.samples.rows_per_step(), 3);
}

TEST(LoaderOptions, ShuffleWholeStepsWithoutAugmentingWhatIsNotAnImage) {
  SampleOptions options = few_at_once(0.4);
  options.augmentation = "light";
  const Distilled made(30, options);
  const data::LoaderOptions loader = made.samples.loader_options();
  EXPECT_EQ(loader.batch_size, 4);
  EXPECT_TRUE(loader.shuffle);
  EXPECT_TRUE(loader.drop_last);
  EXPECT_EQ(loader.augmentation, "none");
}

}  // namespace
}  // namespace ompq::distillation
