#include "ompq/pipeline/evaluate.h"

#include <cmath>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ompq/core/error.h"
#include "ompq/pipeline/network.h"
#include "pipeline/small_model.h"

namespace ompq::pipeline {
namespace {

using ::testing::HasSubstr;

/// A network that gives back its `classes` inputs as scores.
graph::Graph scores_network(std::int64_t classes) {
  testing::GraphBuilder builder("scores");
  const auto x = builder.input("x", {graph::Dim::batch(), graph::Dim::fixed(classes)});
  return builder.finish({builder.unary("Identity", "same", x)});
}

/// Rows of scores with labels.
std::unique_ptr<data::Dataset> rows_of_scores(std::int64_t classes,
                                              std::vector<float> scores,
                                              std::vector<std::int32_t> labels = {}) {
  const auto rows = static_cast<std::int64_t>(scores.size()) / classes;
  return std::make_unique<testing::MemoryDataset>(Tensor::from({rows, classes}, scores),
                                                  std::move(labels));
}

TEST(Evaluate, CountsTheBestClassAndAveragesCrossEntropy) {
  const auto data = rows_of_scores(3, {0, 1, 2, /**/ 5, 0, 0, /**/ 0, 9, 0}, {2, 1, 1});
  const auto got = evaluate(scores_network(3), *data, {0, 1, 2}, {}).evaluation;
  EXPECT_EQ(got.samples, 3);
  EXPECT_EQ(got.classes, 3);
  EXPECT_DOUBLE_EQ(*got.top1, 2.0 / 3.0);
  EXPECT_FALSE(got.top5) << "of three classes";
  const double expected = (std::log(1 + std::exp(-1.0) + std::exp(-2.0)) +
                           std::log(2 + std::exp(5.0)) - 0.0 + std::log1p(2 * std::exp(-9.0))) /
                          3;
  EXPECT_NEAR(*got.cross_entropy, expected, 1e-6);
  EXPECT_FALSE(got.snr_db);
  EXPECT_FALSE(got.agreement);
}

TEST(Evaluate, CountsTheFiveBestWhereThereAreMore) {
  const auto data = rows_of_scores(7, {7, 6, 5, 4, 3, 2, 1, /**/ 7, 6, 5, 4, 3, 2, 1}, {4, 5});
  const auto got = evaluate(scores_network(7), *data, {0, 1}, {}).evaluation;
  EXPECT_EQ(*got.top1, 0.0);
  EXPECT_EQ(*got.top5, 0.5);
}

TEST(Evaluate, IsTheSameForEveryBatchSize) {
  const Model model = small_model();
  Samples samples = small_samples(20);
  const QuantizedNetwork network = quantize_network(model, std::vector<int>(5, 3), {}, {});
  const auto snr = [&](std::int64_t batch) {
    return *evaluate(network.graph,
                     *samples.dataset,
                     samples.indices,
                     {.batch_size = batch},
                     &model.graph)
                .evaluation.snr_db;
  };
  for (const std::int64_t batch : {1, 7, 20}) EXPECT_NEAR(snr(batch), snr(64), 1e-4) << batch;
}

TEST(Evaluate, MeasuresFidelityAgainstKeptOutputsAsAgainstTheNetwork) {
  const Model model = small_model();
  Samples samples = small_samples(20);
  const QuantizedNetwork network = quantize_network(model, std::vector<int>(5, 3), {}, {});
  const EvaluateOutcome kept = evaluate(
      model.graph, *samples.dataset, samples.indices, {.batch_size = 8, .keep_outputs = true});
  EXPECT_EQ(kept.logits.shape(), (std::vector<std::int64_t>{20, 6}));
  EvaluateOptions options{.batch_size = 8};
  const auto by_network =
      evaluate(network.graph, *samples.dataset, samples.indices, options, &model.graph).evaluation;
  options.reference_logits = &kept.logits;
  const auto by_outputs =
      evaluate(network.graph, *samples.dataset, samples.indices, options).evaluation;
  EXPECT_EQ(by_outputs.snr_db, by_network.snr_db);
  EXPECT_EQ(by_outputs.agreement, by_network.agreement);
  EXPECT_EQ(by_outputs.divergence, by_network.divergence);
}

TEST(Evaluate, OfTheReferenceItselfHasNoNoise) {
  const Model model = small_model();
  Samples samples = small_samples(8);
  const auto same =
      evaluate(model.graph, *samples.dataset, samples.indices, {}, &model.graph).evaluation;
  EXPECT_EQ(same.agreement, 1.0);
  EXPECT_NEAR(*same.divergence, 0.0, 1e-12);
  EXPECT_FALSE(same.snr_db) << "no ratio without noise";
}

TEST(Evaluate, RefusesALabelBeyondTheClasses) {
  const auto data = rows_of_scores(3, {0, 1, 2}, {3});
  EXPECT_THROW((void)evaluate(scores_network(3), *data, {0}, {}), DataError);
}

TEST(Evaluate, RefusesAReferenceOfAnotherShapeOrOfFewerSamples) {
  const auto data = rows_of_scores(3, {0, 1, 2, 3, 4, 5});
  const Tensor wide = Tensor::from({2, 4}, std::vector<float>(8));
  EXPECT_THROW((void)evaluate(scores_network(3), *data, {0, 1}, {.reference_logits = &wide}),
               ShapeError);
  const Tensor few = Tensor::from({1, 3}, std::vector<float>(3));
  try {
    (void)evaluate(scores_network(3), *data, {0, 1}, {.reference_logits = &few});
    FAIL() << "one row of two";
  } catch (const ShapeError& error) {
    EXPECT_THAT(error.what(), HasSubstr("on the same samples"));
  }
}

TEST(Evaluate, RefusesNoSamples) {
  const auto data = rows_of_scores(3, {0, 1, 2});
  EXPECT_THROW((void)evaluate(scores_network(3), *data, {}, {}), DataError);
}

}  // namespace
}  // namespace ompq::pipeline
