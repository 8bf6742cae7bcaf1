#include "ompq/ptq/rounding_steps.h"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ompq/pipeline/network.h"
#include "ompq/ptq/rounding_method.h"
#include "ompq/rounding/sample_cache.h"
#include "pipeline/small_model.h"
#include "support/graph_builder.h"

namespace ompq::ptq {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

double passes_of(const RoundingStep& step, const MethodOptions& options, std::int64_t samples) {
  return step.passes(options, effort_row(options.effort), samples);
}

TEST(RoundingStep, OfCompensationCostsPassesPerSample) {
  EXPECT_THAT(compensation().reads, IsEmpty());
  EXPECT_EQ(passes_of(compensation(), {}, 200), 2 * passes_of(compensation(), {}, 100));
  EXPECT_EQ(passes_of(compensation(), {.iterations = 9}, 100), passes_of(compensation(), {}, 100));
}

TEST(RoundingStep, OfLearningCostsPassesPerIteration) {
  for (const RoundingStep* step : {&layer_learning(), &block_learning()}) {
    EXPECT_THAT(step->reads, ElementsAre("iterations", "fisher"));
    const double ten = passes_of(*step, {.iterations = 10}, 100);
    EXPECT_EQ(passes_of(*step, {.iterations = 20}, 100), 2 * ten);
    EXPECT_EQ(passes_of(*step, {.iterations = 10}, 5000), ten) << "for any number of samples";
    EXPECT_GT(passes_of(*step, {.effort = Effort::Best}, 100),
              passes_of(*step, {.effort = Effort::Balanced}, 100));
  }
}

TEST(RoundingStep, OfDistillationCostsPassesPerSampleAndEpoch) {
  EXPECT_THAT(distillation_step().reads, ElementsAre("epochs", "augment"));
  const double one = passes_of(distillation_step(), {.epochs = 1}, 100);
  EXPECT_EQ(passes_of(distillation_step(), {.epochs = 3}, 200), 6 * one);
}

TEST(PassesToPrepare, AreNeededForStepsWithData) {
  EXPECT_EQ(passes_to_prepare({.prepare = {.equalize = true, .analytic_bias = true}}, 100), 0.0);
  EXPECT_GT(passes_to_prepare({.prepare = {.correct_bias = true}}, 100), 0.0);
  EXPECT_GT(passes_to_prepare({.prepare = {.reestimate_norms = true}}, 100), 0.0);
}

TEST(CacheMemory, IsTheGivenLimitOrTheDefault) {
  EXPECT_EQ(cache_memory({.memory_bytes = 12345}), 12345);
  EXPECT_EQ(cache_memory({}), rounding::default_memory());
}

/// Runs a step on the small model at 2 bits.
class RoundingStepTest : public ::testing::Test {
 protected:
  explicit RoundingStepTest(pipeline::Model model = pipeline::small_model())
      : model_(std::move(model)) {
    options_ = {.iterations = 20, .epochs = 1, .threads = 1};
    nearest_ = pipeline::nearest_codes(
        model_, std::vector<int>(model_.discovery.layers.size(), 2), {}, {});
  }
  [[nodiscard]] RoundingRun run_of() {
    return {.model = model_,
            .dataset = *samples_.dataset,
            .indices = samples_.indices,
            .options = options_,
            .row = method_row("gptq"),
            .effort = effort_row(Effort::Fast),
            .journal = nullptr,
            .result = result_,
            .progress = progress_};
  }

  pipeline::Model model_;
  pipeline::Samples samples_ = pipeline::small_samples(24);
  MethodOptions options_;
  rounding::NetworkCodes nearest_;
  report::Reconstruction result_;
  ProgressHandler progress_;
};

TEST_F(RoundingStepTest, CompensationLowersTheErrorLayerByLayer) {
  const rounding::NetworkCodes made = compensation().run(run_of(), nearest_);
  EXPECT_EQ(made.weights.size(), nearest_.weights.size());
  ASSERT_EQ(result_.blocks.size(), model_.discovery.layers.size());
  double before = 0.0;
  double after = 0.0;
  for (const report::ReconstructedBlock& block : result_.blocks) {
    EXPECT_EQ(block.step, "compensation");
    EXPECT_LE(block.loss_after, block.loss_before) << block.name;
    before += block.loss_before;
    after += block.loss_after;
  }
  EXPECT_LT(after, before);
}

TEST_F(RoundingStepTest, LearningGoesByLayerOrByBlock) {
  (void)layer_learning().run(run_of(), nearest_);
  EXPECT_EQ(result_.blocks.size(), model_.discovery.layers.size());
  result_ = {};
  (void)block_learning().run(run_of(), nearest_);
  EXPECT_EQ(result_.blocks.size(), model_.discovery.blocks.size());
  EXPECT_LT(model_.discovery.blocks.size(), model_.discovery.layers.size());
  for (const report::ReconstructedBlock& block : result_.blocks) {
    EXPECT_EQ(block.step, "learning");
    EXPECT_EQ(block.iterations, 20) << block.name;
  }
}

TEST_F(RoundingStepTest, PreparationDoesNothingIfNoneIsAskedFor) {
  const rounding::NetworkCodes made = prepared(run_of(), nearest_);
  EXPECT_THAT(made.biases, IsEmpty());
  EXPECT_FALSE(result_.restoration);
}

TEST_F(RoundingStepTest, BiasCorrectionRaisesTheSnrOfTheOutputs) {
  options_.prepare.correct_bias = true;
  const rounding::NetworkCodes made = prepared(run_of(), nearest_);
  ASSERT_TRUE(result_.restoration);
  EXPECT_GT(result_.restoration->snr_after_db, result_.restoration->snr_before_db);
  EXPECT_FALSE(result_.restoration->kept_initial);
  EXPECT_EQ(made.biases.size(), model_.discovery.layers.size());
  EXPECT_EQ(made.weights.at("fc.weight").codes, nearest_.weights.at("fc.weight").codes);
}

/// Distillation supports networks with one input.
pipeline::Model with_two_inputs() {
  testing::GraphBuilder builder("two");
  const auto x = builder.input("x", {graph::Dim::batch(), graph::Dim::fixed(6)});
  const auto other = builder.input("other", {graph::Dim::batch(), graph::Dim::fixed(6)});
  pipeline::Model model;
  model.graph = builder.finish({builder.add("add", builder.gemm("fc", x, 6), other)});
  model.discovery = graph::discover(model.graph);
  return model;
}

class UndistillableTest : public RoundingStepTest {
 protected:
  UndistillableTest() : RoundingStepTest(with_two_inputs()) {}
};

TEST_F(UndistillableTest, DistillationKeepsTheCodesOfANetworkThatItDoesNotSupport) {
  const rounding::NetworkCodes made = distillation_step().run(run_of(), nearest_);
  EXPECT_FALSE(result_.distillation);
  EXPECT_EQ(made.weights.at("fc.weight").codes, nearest_.weights.at("fc.weight").codes);
}

}  // namespace
}  // namespace ompq::ptq
