#include "ompq/pipeline/finetune.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ompq/core/atomic_file.h"
#include "ompq/core/error.h"
#include "ompq/core/random.h"
#include "ompq/pipeline/file_note.h"
#include "ompq/pipeline/quantized_file.h"
#include "ompq/training/quantizer_methods.h"
#include "small_model.h"
#include "support/paths.h"

namespace ompq::pipeline {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

/// Samples of three channels, of which the brightest is the class.
Samples labelled_samples(std::int64_t count, std::uint64_t seed) {
  Tensor x(DataType::Float32, {count, 3, 8, 8});
  std::vector<std::int32_t> labels;
  Random random(seed);
  auto values = x.mutable_data<float>();
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (i % 192 == 0) labels.push_back(static_cast<std::int32_t>(labels.size() % 3));
    const bool bright = static_cast<std::int32_t>(i % 192 / 64) == labels.back();
    values[i] = static_cast<float>(random.normal()) + (bright ? 1.0F : 0.0F);
  }
  Samples samples = small_samples(count, seed);
  samples.dataset = std::make_unique<testing::MemoryDataset>(std::move(x), std::move(labels));
  samples.used.source = "bright channels";
  return samples;
}

class FinetuneTest : public ::testing::Test {
 protected:
  FinetuneTest() {
    options_.start.search.request.budget.average_bits = 3.0;
    options_.start.search.request.activation_candidates = {4};
    options_.start.search.allocator = "weight-mse";
    options_.start.search.beside = {};
    options_.start.method.method = "gptq";
    options_.start.tuning_samples = 32;
    options_.start.output = folder_ / "out.onnx";
    options_.trainer.optimizer.rate = 0.02;
    options_.trainer.network.norms = training::NormMode::Trained;
    options_.epochs = 3;
    options_.batch_size = 16;
    options_.augmentation = "none";
    options_.named = {{"--lr", "0.02"}};
    // Small passes only wait for each other where other tests take the second core.
    options_.trainer.threads = 1;
    options_.start.method.threads = 1;
    options_.start.search.executor.threads = 1;
    options_.start.evaluation.executor.threads = 1;
    options_.start.calibration.executor.threads = 1;
  }

  report::Finetuning run() {
    Samples samples = labelled_samples(64, 1);
    Samples training = labelled_samples(192, 2);
    training.used.split = "train";
    Samples evaluation = labelled_samples(96, 3);
    evaluation.used.split = "test";
    return finetune(model_, model_.graph, samples, training, evaluation, options_);
  }
  [[nodiscard]] fs::path file(const std::string& name) const { return folder_ / name; }
  [[nodiscard]] std::string message() {
    try {
      (void)run();
    } catch (const std::exception& error) {
      return error.what();
    }
    return "";
  }

  testing::TemporaryDirectory folder_;
  Model model_ = small_model();
  FinetuneOptions options_;
};

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
  Samples evaluation = labelled_samples(96, 3);
  const Model written = load_model(file("out.onnx"));
  const auto outcome = evaluate(written.graph, *evaluation.dataset, evaluation.indices, {});
  EXPECT_EQ(outcome.evaluation.top1, made.quantization.networks.front().evaluation.top1);
  EXPECT_NEAR(*outcome.evaluation.cross_entropy,
              *made.quantization.networks.front().evaluation.cross_entropy,
              1e-6);
}

TEST_F(FinetuneTest, EveryQuantizerAndNormModeTrains) {
  for (const auto& method : training::quantizer_methods()) {
    for (const bool reestimated : {false, true}) {
      options_.quantizer = method.name;
      options_.norms_reestimated = reestimated;
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
  if (has_last) EXPECT_EQ(read_file(file("out.last.onnx")), last);
  EXPECT_FALSE(fs::exists(file("out.onnx.checkpoint")));
}

TEST_F(FinetuneTest, RefusesACheckpointOfOtherOptionsAndNamesThem) {
  options_.on_epoch = [](const report::EpochRecord&) { request_interrupt(); };
  EXPECT_THROW((void)run(), Interrupted);
  options_.on_epoch = {};
  options_.trainer.optimizer.rate = 0.01;
  options_.named = {{"--lr", "0.01"}};
  const std::string text = message();
  EXPECT_THAT(text, HasSubstr("--lr"));
  EXPECT_THAT(text, HasSubstr("0.02"));
  EXPECT_TRUE(fs::exists(file("out.onnx.checkpoint"))) << "what was kept is gone";
}

TEST_F(FinetuneTest, SaysWhatIsKeptWhenTheLossIsNoNumberAnyMore) {
  options_.on_epoch = [&](const report::EpochRecord& record) {
    if (record.epoch == 1) request_interrupt();
  };
  EXPECT_THROW((void)run(), Interrupted);
  const std::string kept = read_file(file("out.onnx.checkpoint"));
  options_.on_epoch = {};
  options_.trainer.optimizer.rate = 1e8;
  const std::string text = message();
  EXPECT_THAT(text, HasSubstr("epoch 2"));
  EXPECT_THAT(text, HasSubstr("lower --lr"));
  EXPECT_THAT(text, HasSubstr((folder_ / "out.onnx").string()));
  EXPECT_EQ(read_file(file("out.onnx.checkpoint")), kept) << "a spoiled state was kept";
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
  Samples samples = small_samples(64, 1);
  Samples training = small_samples(192, 2);
  Samples evaluation = small_samples(96, 3);
  training.used.split = "train";
  const report::Finetuning made =
      finetune(model_, model_.graph, samples, training, evaluation, options_);
  EXPECT_FALSE(made.epochs.back().validation_top1);
  EXPECT_FALSE(made.epochs.back().train_accuracy);
  EXPECT_TRUE(made.epochs.back().validation_agreement);
  EXPECT_LT(made.epochs.back().train_loss, made.epochs.front().train_loss);
}

TEST_F(FinetuneTest, AsksForLabelsWhereItNeedsThem) {
  Samples samples = small_samples(64, 1);
  Samples training = small_samples(192, 2);
  Samples evaluation = small_samples(96, 3);
  try {
    (void)finetune(model_, model_.graph, samples, training, evaluation, options_);
    FAIL() << "trained on labels that are not there";
  } catch (const ConfigError& error) {
    EXPECT_THAT(error.what(), HasSubstr("--distill 1"));
  }
}

TEST_F(FinetuneTest, TrainsTheFloatNetworkItself) {
  options_.float_network = true;
  options_.epochs = 6;
  const report::Finetuning made = run();
  ASSERT_GE(made.quantization.networks.size(), 1U);
  EXPECT_GT(*made.quantization.networks.front().evaluation.top1, 0.8);
  Samples evaluation = labelled_samples(96, 3);
  const auto outcome =
      evaluate(load_model(file("out.onnx")).graph, *evaluation.dataset, evaluation.indices, {});
  EXPECT_EQ(outcome.evaluation.top1, made.quantization.networks.front().evaluation.top1);
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
  EXPECT_NEAR(*start.evaluation.cross_entropy,
              *first.quantization.networks.front().evaluation.cross_entropy,
              1e-5);
}

TEST(ReadQuantizedFile, RefusesWhatWasNotMadeOfTheNetwork) {
  const testing::TemporaryDirectory folder;
  const Model model = small_model();
  const auto message_for = [&](const graph::Graph& graph) {
    write_file_atomically(
        folder / "other.onnx",
        onnx_io::export_onnx_bytes(graph, {.format = onnx_io::WeightFormat::Float}));
    try {
      (void)read_quantized_file(model, folder / "other.onnx");
    } catch (const ConfigError& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  graph::Graph other = model.graph;
  EXPECT_THAT(message_for(other), HasSubstr("does not say which bits"));
  FileNote note{.version = "1",
                .float_sha256 = "1",
                .weight_bits = std::vector<int>(5, 3),
                .activation_bits = std::vector<int>(5, 8)};
  other.metadata = to_metadata(note);
  EXPECT_THAT(message_for(other), HasSubstr("made of another network"));
  note.float_sha256 = model.sha256;
  other.metadata = to_metadata(note);
  EXPECT_THAT(message_for(other), HasSubstr("do not lie on 8 levels"));
}

TEST(CommonStep, IsTheCoarsestOneThatFits) {
  EXPECT_EQ(common_step({0.0F, 0.0F}, 2), 1.0F);
  EXPECT_EQ(common_step({-0.5F, 0.25F, 0.0F}, 2), 0.25F);
  EXPECT_EQ(common_step({0.5F, -0.5F}, 4), 0.5F);
  // 0.75 and 0.5 are multiples of 0.25 alone.
  EXPECT_EQ(common_step({0.75F, 0.5F}, 2), 0.25F);
  EXPECT_FALSE(common_step({1.0F, 0.25F}, 2)) << "five levels are needed";
  EXPECT_FALSE(common_step({1.0F, 0.3F}, 3));
}

}  // namespace
}  // namespace ompq::pipeline
