#include "ompq/qat/finetune.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ompq/core/atomic_file.h"
#include "ompq/core/error.h"
#include "ompq/pipeline/load_model.h"
#include "ompq/training/quantizer_methods.h"
#include "qat/finetune_case.h"

namespace ompq::qat {
namespace {

using ::testing::HasSubstr;

TEST_F(FinetuneTest, TeachesTheQuantizedNetworkWhatItsStartDoesNotKnow) {
  options_.epochs = 6;
  const report::Finetuning made = run();
  const auto& networks = made.quantization.networks;
  ASSERT_GE(networks.size(), 2U);
  // The small model's weights are random numbers: only training can tell the classes apart.
  EXPECT_LT(*networks.back().evaluation.top1, 0.6);
  EXPECT_GT(*networks.front().evaluation.top1, 0.8);
  ASSERT_EQ(made.epochs.size(), 6U);
  EXPECT_LT(made.epochs.back().train_loss, made.epochs.front().train_loss);
  EXPECT_EQ(made.best_epoch, made.epochs.back().best_epoch);
  EXPECT_EQ(*networks.front().evaluation.top1, made.epochs.back().best);
}

TEST_F(FinetuneTest, WritesTheSizeThatWasPromisedAndLeavesNothingElse) {
  const report::Finetuning made = run();
  for (const auto& network : made.quantization.networks) {
    EXPECT_EQ(network.bytes_on_disk, network.bytes_promised) << network.method;
  }
  EXPECT_EQ(static_cast<std::int64_t>(fs::file_size(file("out.onnx"))),
            made.quantization.networks.front().bytes_promised);
  for (const auto& entry : fs::directory_iterator(folder_.path())) {
    EXPECT_THAT(entry.path().filename().string(), ::testing::AnyOf("out.onnx", "out.last.onnx"));
  }
}

TEST_F(FinetuneTest, TheFilesGradeIsTheOneThatWasReported) {
  const report::Finetuning made = run();
  pipeline::Samples evaluation = labelled_samples(96, 3);
  const pipeline::Model written = pipeline::load_model(file("out.onnx"));
  const auto outcome =
      pipeline::evaluate(written.graph, *evaluation.dataset, evaluation.indices, {});
  EXPECT_EQ(outcome.evaluation.top1, made.quantization.networks.front().evaluation.top1);
  EXPECT_NEAR(*outcome.evaluation.cross_entropy,
              *made.quantization.networks.front().evaluation.cross_entropy,
              1e-6);
}

TEST_F(FinetuneTest, EveryQuantizerAndNormModeTrains) {
  for (const auto& method : training::quantizer_methods()) {
    for (const Norms norms : {Norms::Trained, Norms::Reestimated}) {
      options_.quantizer = method.name;
      options_.norms = norms;
      const report::Finetuning made = run();
      EXPECT_LT(made.epochs.back().train_loss, made.epochs.front().train_loss) << method.name;
    }
  }
}

TEST_F(FinetuneTest, GoesOnBehindAnInterruptAsIfItHadNotStopped) {
  (void)run();
  const std::string best = read_file(file("out.onnx"));
  const bool has_last = fs::exists(file("out.last.onnx"));
  const std::string last = has_last ? read_file(file("out.last.onnx")) : "";
  fs::remove(file("out.onnx"));
  fs::remove(file("out.last.onnx"));

  options_.on_epoch = [](const report::EpochRecord&) { request_interrupt(); };
  EXPECT_THROW((void)run(), Interrupted);
  EXPECT_TRUE(fs::exists(file("out.onnx.checkpoint")));
  options_.on_epoch = {};
  const report::Finetuning made = run();
  EXPECT_GE(made.resumed_epochs, 1);
  EXPECT_EQ(made.epochs.size(), 3U);
  EXPECT_EQ(read_file(file("out.onnx")), best);
  ASSERT_EQ(fs::exists(file("out.last.onnx")), has_last);
  if (has_last) {
    EXPECT_EQ(read_file(file("out.last.onnx")), last);
  }
  EXPECT_FALSE(fs::exists(file("out.onnx.checkpoint")));
}

TEST_F(FinetuneTest, StopsEarlyWhereNothingBetterComes) {
  options_.epochs = 50;
  options_.patience = 2;
  options_.trainer.optimizer.rate = 0.0;
  const report::Finetuning made = run();
  EXPECT_TRUE(made.stopped_early);
  EXPECT_EQ(made.best_epoch, 0);
  EXPECT_EQ(made.epochs.size(), 2U);
}

TEST_F(FinetuneTest, NeverWritesAWorseNetworkThanItStartedFrom) {
  const report::Finetuning good = run();  // a network that training can only spoil
  fs::rename(file("out.onnx"), file("good.onnx"));
  options_.from = file("good.onnx");
  options_.trainer.loss.distillation = 1.0;  // of a float network that knows nothing
  options_.trainer.optimizer.rate = 0.05;
  const report::Finetuning made = run();
  ASSERT_EQ(made.best_epoch, 0);
  EXPECT_EQ(fs::file_size(file("out.onnx")), fs::file_size(file("good.onnx")));
  const auto& networks = made.quantization.networks;
  ASSERT_EQ(networks.size(), 2U) << "the start, and the last epoch";
  const report::Evaluation& kept = networks.front().evaluation;
  EXPECT_EQ(kept.top1, good.quantization.networks.front().evaluation.top1);
  EXPECT_GE(*kept.top1, *networks.back().evaluation.top1);
  EXPECT_TRUE(fs::exists(file("out.last.onnx")));
}

TEST_F(FinetuneTest, LearnsWithoutLabelsFromTheFloatNetwork) {
  options_.trainer.loss.distillation = 1.0;
  options_.start.method.method = "nearest";  // gptq leaves a loss that is hardly larger than noise
  pipeline::Samples samples = pipeline::small_samples(64, 1);
  pipeline::Samples training = pipeline::small_samples(192, 2);
  pipeline::Samples evaluation = pipeline::small_samples(96, 3);
  training.used.split = "train";
  const report::Finetuning made =
      finetune(model_, model_.graph, samples, training, evaluation, options_);
  EXPECT_FALSE(made.epochs.back().validation_top1);
  EXPECT_FALSE(made.epochs.back().train_accuracy);
  EXPECT_TRUE(made.epochs.back().validation_agreement);
  EXPECT_LT(made.epochs.back().train_loss, made.epochs.front().train_loss);
}

TEST_F(FinetuneTest, AsksForLabelsWhereItNeedsThem) {
  pipeline::Samples samples = pipeline::small_samples(64, 1);
  pipeline::Samples training = pipeline::small_samples(192, 2);
  pipeline::Samples evaluation = pipeline::small_samples(96, 3);
  try {
    (void)finetune(model_, model_.graph, samples, training, evaluation, options_);
    FAIL() << "trained on labels that are not there";
  } catch (const ConfigError& error) {
    EXPECT_THAT(error.what(), HasSubstr("--distill 1"));
  }
}

TEST_F(FinetuneTest, StartsFromAFileWhereThatEnded) {
  const report::Finetuning first = run();
  options_.from = file("out.onnx");
  options_.start.output = file("second.onnx");
  options_.trainer.optimizer.rate = 0.0;
  options_.epochs = 1;
  const report::Finetuning second = run();
  const auto& start = second.quantization.networks.back();
  EXPECT_EQ(start.evaluation.top1, first.quantization.networks.front().evaluation.top1);
  EXPECT_EQ(start.weight_bits, first.quantization.networks.front().weight_bits);
  ASSERT_TRUE(second.quantization.integer_kernels);
  EXPECT_EQ(second.quantization.integer_kernels->integer_layers, 5);
  EXPECT_NEAR(*start.evaluation.cross_entropy,
              *first.quantization.networks.front().evaluation.cross_entropy,
              1e-5);
}

}  // namespace
}  // namespace ompq::qat
