#include "ompq/search/measurements.h"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ompq/pipeline/layer_tables.h"
#include "pipeline/small_model.h"

namespace ompq::search {
namespace {

using ::testing::IsEmpty;
using ::testing::Key;
using ::testing::UnorderedElementsAre;

class MeasureTest : public ::testing::Test {
 protected:
  Measurements measured(MeasurementPlan plan) {
    plan.executor.threads = 1;
    return measure(model_, *samples_.dataset, samples_.indices, plan, weights_);
  }

  pipeline::Model model_ = pipeline::small_model();
  pipeline::Samples samples_ = pipeline::small_samples(16);
  RoundedWeights weights_{model_, {}};
};

TEST_F(MeasureTest, HoldsWhatThePlanNamesAndNothingElse) {
  const Measurements found = measured({.metrics = {"weight-mse", "output-mse"}, .widths = {2, 8}});
  EXPECT_THAT(found.losses, UnorderedElementsAre(Key("weight-mse"), Key("output-mse")));
  EXPECT_FALSE(found.features);
  EXPECT_FALSE(found.activations);
  EXPECT_THAT(found.pairs.pairs, IsEmpty());
  EXPECT_THAT(found.dropped, IsEmpty());
  for (const auto& [name, table] : found.losses) {
    ASSERT_EQ(table.rows(), 5U) << name;
    for (std::size_t l = 0; l < 5; ++l) EXPECT_LT(table.at(l, 1), table.at(l, 0)) << name;
  }
}

TEST_F(MeasureTest, OfOrthogonalityGivesTheImportanceOfItsMatrix) {
  const Measurements found =
      measured({.metrics = {}, .widths = {}, .orthogonality = true, .beta = 2});
  ASSERT_TRUE(found.features);
  const orm::Importance expected = orm::importance(found.features->matrix, 2);
  EXPECT_EQ(found.importance.coefficients, expected.coefficients);
}

TEST_F(MeasureTest, DropsWhatNeedsOrthogonalityWhereAFeatureIsConstantAndGoesOn) {
  for (const graph::ValueId id :
       {model_.discovery.layers[1].weight, model_.discovery.layers[1].bias}) {
    graph::Value& value = model_.graph.mutable_value(id);
    value.constant = Tensor(DataType::Float32, value.constant->shape());
  }
  const Measurements found =
      measured({.metrics = {"orm-error", "output-mse"}, .widths = {2, 8}, .orthogonality = true});
  EXPECT_THAT(found.losses, UnorderedElementsAre(Key("output-mse")));
  EXPECT_THAT(found.dropped, UnorderedElementsAre(Key("orm"), Key("orm-error")));
  EXPECT_FALSE(found.features);
}

TEST_F(MeasureTest, OfActivationsHasARowForEachValueThatLayersRead) {
  const Measurements found =
      measured({.metrics = {"output-mse"}, .widths = {4}, .activation_widths = {2, 8}});
  ASSERT_TRUE(found.activations);
  EXPECT_EQ(found.activations->values, sensitivity::activations_of(model_.discovery.layers));
  for (std::size_t a = 0; a < found.activations->values.size(); ++a) {
    // From 2 to 8 bits a step shrinks 85 times and its noise 7,000 times.
    EXPECT_LT(found.activations->mse.at(a, 1), found.activations->mse.at(a, 0) / 100) << a;
  }
}

TEST_F(MeasureTest, OfPairsLooksInsideOfBlocks) {
  const Measurements found = measured({.metrics = {"output-mse"}, .widths = {2, 8}, .pairs = true});
  ASSERT_FALSE(found.pairs.pairs.empty());
  for (const sensitivity::PairLoss& pair : found.pairs.pairs) {
    EXPECT_LT(pair.first, pair.second);
    EXPECT_EQ(pair.values.size(), 4U);
  }
}

TEST(ImportanceOfLeaders, LeavesOutTiedLayersAndGivesThemTheirLeaders) {
  // Layer 1 follows layer 2.
  const orm::OrthogonalityMatrix matrix{.layers = 3,
                                        .values = {1.0, 0.9, 0.2, 0.9, 1.0, 0.8, 0.2, 0.8, 1.0}};
  std::vector<allocation::LayerCost> layers(3);
  layers[1].tied_to = 2;
  const orm::OrthogonalityMatrix leaders{.layers = 2, .values = {1.0, 0.2, 0.2, 1.0}};
  const orm::Importance expected = orm::importance(leaders, 1.5);
  const orm::Importance got = importance_of_leaders(matrix, layers, 1.5);
  ASSERT_EQ(got.coefficients.size(), 3U);
  EXPECT_DOUBLE_EQ(got.coefficients[0], expected.coefficients[0]);
  EXPECT_DOUBLE_EQ(got.coefficients[2], expected.coefficients[1]);
  EXPECT_DOUBLE_EQ(got.coefficients[1], got.coefficients[2]);
}

TEST_F(MeasureTest, LeavesOutWhatNeedsSamplesIfTheDeadlineIsOver) {
  const Measurements found = measured({.metrics = {"weight-mse", "output-mse", "orm-error"},
                                       .widths = {2, 8},
                                       .orthogonality = true,
                                       .pairs = true,
                                       .deadline = Deadline(0)});
  EXPECT_THAT(found.losses, UnorderedElementsAre(Key("weight-mse")));
  EXPECT_THAT(found.unmeasured,
              UnorderedElementsAre("orthogonality", "orm-error", "output-mse", "pairwise"));
  EXPECT_THAT(found.dropped, IsEmpty());
  EXPECT_EQ(found.samples, 0);
}

TEST_F(MeasureTest, KeepsCompleteBatchesIfTheDeadlineComesInALaterOne) {
  MeasurementPlan plan{.metrics = {"output-mse"}, .widths = {2, 8}, .batch_size = 4};
  plan.deadline = Deadline(1e6);
  const Measurements all = measured(plan);
  EXPECT_EQ(all.samples, 16);
  EXPECT_THAT(all.unmeasured, IsEmpty());

  // The time is up in the middle of the third batch.
  int batches = 0;
  const auto progress = [&](const ProgressEvent& event) {
    if (event.task != "sensitivity") return;
    if (batches == 2 && event.done == 3) throw TimeIsUp();
    if (event.done == event.total) ++batches;
  };
  plan.executor.threads = 1;
  const Measurements part =
      measure(model_, *samples_.dataset, samples_.indices, plan, weights_, progress);
  EXPECT_EQ(part.samples, 8);
  EXPECT_THAT(part.unmeasured, IsEmpty());

  const std::vector<std::int64_t> first(samples_.indices.begin(), samples_.indices.begin() + 8);
  plan.deadline.reset();
  const Measurements half = measure(model_, *samples_.dataset, first, plan, weights_);
  EXPECT_EQ(part.losses.at("output-mse").values, half.losses.at("output-mse").values);
  EXPECT_NE(part.losses.at("output-mse").values, all.losses.at("output-mse").values);
}

}  // namespace
}  // namespace ompq::search
