#include "ompq/qat/finetune_epochs.h"

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ompq/core/atomic_file.h"
#include "qat/finetune_case.h"

namespace ompq::qat {
namespace {

using ::testing::ElementsAre;

/// Trains the float model, whose start does not count as an epoch.
class EpochsTest : public FinetuneTest {
 protected:
  EpochsTest() {
    options_.float_network = true;
    options_.on_epoch = [this](const report::EpochRecord& record) {
      told_.push_back(record.epoch);
    };
    pipeline::Stopwatch watch(report_.seconds);
    start_ = start_finetuning({.model = model_,
                               .samples = training_,
                               .tuning = training_.indices,
                               .options = options_,
                               .report = report_,
                               .watch = watch,
                               .progress = progress_});
  }
  FinetuneOutcome trained() {
    const FinetuneContext context{.model = model_,
                                  .unfolded = unfolded_,
                                  .samples = training_,
                                  .training = training_,
                                  .evaluation = held_out_,
                                  .options = options_,
                                  .progress = progress_,
                                  .indices = training_.indices,
                                  .float_logits = {}};
    FinetuneNetwork network(context, start_);
    FinetuneOutcome outcome = FinetuneEpochs(context, start_, network, "run", {}).run();
    batches_ = network.trainer().batches();
    return outcome;
  }

  pipeline::Samples training_ = labelled_samples(64, 2);
  pipeline::Samples held_out_ = labelled_samples(32, 3);
  report::Quantization report_;
  FinetuneStart start_;
  std::vector<std::int64_t> told_;
  std::int64_t batches_ = 0;
};

TEST_F(EpochsTest, TrainsAllEpochsAndKeepsTheBest) {
  const FinetuneOutcome outcome = trained();
  EXPECT_EQ(outcome.at.epoch, 3);
  EXPECT_EQ(outcome.resumed_epochs, 0);
  EXPECT_EQ(batches_, 3 * 64 / 16);
  EXPECT_THAT(told_, ElementsAre(1, 2, 3));
  ASSERT_EQ(outcome.at.epochs.size(), 3U);
  double best = 0.0;
  for (const report::EpochRecord& record : outcome.at.epochs) {
    best = std::max(best, record.validation_top1.value());
    EXPECT_EQ(record.step, record.epoch * 4);
  }
  EXPECT_EQ(outcome.at.best.score, best);
  EXPECT_EQ(read_file(file("out.onnx")), outcome.at.best.file.model);
  // The last network is returned only if it is not the best.
  EXPECT_EQ(outcome.last.has_value(), outcome.at.best.epoch != 3);
}

TEST_F(EpochsTest, LowersTheLossOfTheTrainingSamples) {
  options_.epochs = 8;
  const FinetuneOutcome outcome = trained();
  EXPECT_LT(outcome.at.epochs.back().train_loss, outcome.at.epochs.front().train_loss);
}

TEST_F(EpochsTest, ResumesFromTheCheckpoint) {
  const FinetuneOutcome first = trained();
  EXPECT_TRUE(fs::exists(checkpoint_of(options_)));
  told_.clear();
  const FinetuneOutcome again = trained();
  EXPECT_EQ(again.resumed_epochs, 3);
  EXPECT_EQ(batches_, 3 * 64 / 16) << "no batch was trained again";
  EXPECT_THAT(told_, ElementsAre(1, 2, 3)) << "earlier epochs are reported, too";
  EXPECT_EQ(again.at.best.score, first.at.best.score);
  EXPECT_EQ(again.at.best.file.model, first.at.best.file.model);
}

TEST_F(EpochsTest, StopsIfPatienceIsOver) {
  options_.epochs = 9;
  options_.patience = 2;
  options_.trainer.optimizer.rate = 1e-12;  // nothing improves after the first epoch
  const FinetuneOutcome outcome = trained();
  EXPECT_EQ(outcome.at.best.epoch, 1);
  EXPECT_EQ(outcome.at.epoch, 3);
  ASSERT_TRUE(outcome.last);
  EXPECT_EQ(outcome.last->epoch, 3);
}

}  // namespace
}  // namespace ompq::qat
