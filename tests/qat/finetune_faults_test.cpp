#include <csignal>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include "ompq/core/atomic_file.h"
#include "ompq/core/error.h"
#include "ompq/core/named_tensors_file.h"
#include "qat/finetune_case.h"

// What goes wrong while a network is trained, and what is left then.

namespace ompq::qat {
namespace {

using ::testing::HasSubstr;

/// Files of this process grow no further than `bytes` while it lives: a full disk.
class FullDisk {
 public:
  explicit FullDisk(rlim_t bytes) : handler_(std::signal(SIGXFSZ, SIG_IGN)) {
    ::getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit now{bytes, before_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &now);
  }
  ~FullDisk() {
    ::setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, handler_);
  }
  FullDisk(const FullDisk&) = delete;
  FullDisk& operator=(const FullDisk&) = delete;

 private:
  rlimit before_{};
  void (*handler_)(int);
};

/// Samples that are taken away while they are read.
class VanishingDataset : public data::Dataset {
 public:
  VanishingDataset(std::unique_ptr<data::Dataset> real, std::int64_t batches, bool skip_broken)
      : real_(std::move(real)), left_(batches), skip_broken_(skip_broken) {}

  [[nodiscard]] std::int64_t size() const override { return real_->size(); }
  [[nodiscard]] bool has_labels() const override { return real_->has_labels(); }
  [[nodiscard]] data::Batch load(const std::vector<std::int64_t>& indices) override {
    if (left_-- > 0) return real_->load(indices);
    if (!skip_broken_) throw DataError(sample_name(indices.front()), "cannot be read");
    return {};
  }
  [[nodiscard]] std::string sample_name(std::int64_t index) const override {
    return real_->sample_name(index);
  }

 private:
  std::unique_ptr<data::Dataset> real_;
  std::int64_t left_;
  bool skip_broken_;
};

class FinetuneFaults : public FinetuneTest {
 protected:
  FinetuneFaults() { options_.float_network = true; }

  /// What a run without faults writes.
  [[nodiscard]] std::string undisturbed() {
    (void)run();
    std::string bytes = read_file(file("out.onnx"));
    fs::remove(file("out.onnx"));
    return bytes;
  }
  /// The training data goes away after so many batches.
  [[nodiscard]] std::string message_without_data(std::int64_t batches, bool skip_broken) {
    pipeline::Samples samples = labelled_samples(64, 1);
    pipeline::Samples training = labelled_samples(192, 2);
    training.used.split = "train";
    training.dataset =
        std::make_unique<VanishingDataset>(std::move(training.dataset), batches, skip_broken);
    pipeline::Samples evaluation = labelled_samples(96, 3);
    evaluation.used.split = "test";
    try {
      (void)finetune(model_, unfolded_, samples, training, evaluation, options_);
    } catch (const DataError& error) {
      return error.what();
    }
    return "";
  }
  /// Asks to stop once a task of this name has begun.
  void interrupt_in(const std::string& task) {
    progress_ = [task](const ProgressEvent& event) {
      if (event.task == task) request_interrupt();
    };
  }
};

TEST_F(FinetuneFaults, AKillWithinAnEpochOfFloatTrainingLeavesTheSameBytes) {
  options_.trainer.optimizer.nesterov = true;
  options_.trainer.average_decay = 0.9;
  options_.warmup_epochs = 1.5;
  const std::string expected = undisturbed();
  progress_ = [](const ProgressEvent& event) {
    if (event.task == "epoch 2/3" && event.done == 7) request_interrupt();
  };
  EXPECT_THROW((void)run(), Interrupted);
  progress_ = {};
  const report::Finetuning made = run();
  EXPECT_EQ(made.resumed_epochs, 1);
  EXPECT_EQ(read_file(file("out.onnx")), expected);
}

TEST_F(FinetuneFaults, AnInterruptWithinAValidationLeavesTheSameBytesAndRecords) {
  options_.norms = Norms::Reestimated;
  const report::Finetuning straight = run();
  const std::string expected = read_file(file("out.onnx"));
  fs::remove(file("out.onnx"));
  options_.log = file("log.jsonl");
  interrupt_in("validation of epoch 2");
  EXPECT_THROW((void)run(), Interrupted);
  progress_ = {};
  const report::Finetuning made = run();
  EXPECT_EQ(made.resumed_epochs, 1);
  EXPECT_EQ(read_file(file("out.onnx")), expected);
  ASSERT_EQ(made.epochs.size(), straight.epochs.size());
  for (std::size_t e = 0; e < made.epochs.size(); ++e) {
    EXPECT_EQ(made.epochs[e].step, straight.epochs[e].step) << e;
    EXPECT_EQ(made.epochs[e].train_loss, straight.epochs[e].train_loss) << e;
    EXPECT_EQ(made.epochs[e].learning_rate, straight.epochs[e].learning_rate) << e;
    EXPECT_EQ(made.epochs[e].validation_loss, straight.epochs[e].validation_loss) << e;
  }
  EXPECT_EQ(report::read_epoch_log(options_.log).size(), 3U);
}

TEST_F(FinetuneFaults, TheLogGetsTheLineThatAKillKeptFromIt) {
  options_.log = file("log.jsonl");
  options_.on_epoch = [](const report::EpochRecord& record) {
    if (record.epoch == 2) request_interrupt();
  };
  EXPECT_THROW((void)run(), Interrupted);
  const auto lines = report::read_epoch_log(options_.log);
  ASSERT_EQ(lines.size(), 2U);
  // Killed after the checkpoint of epoch 2 and before its line.
  write_file_atomically(options_.log, report::to_json_line(lines.front()) + "\n");
  options_.on_epoch = {};
  (void)run();
  EXPECT_EQ(report::read_epoch_log(options_.log).size(), 3U);
}

TEST_F(FinetuneFaults, AFullDiskStopsTrainingAndLeavesTheLastGoodState) {
  const std::string expected = undisturbed();
  options_.on_epoch = [](const report::EpochRecord&) { request_interrupt(); };
  EXPECT_THROW((void)run(), Interrupted);
  options_.on_epoch = {};
  const std::string state = read_file(file("out.onnx.checkpoint"));
  const std::string best = read_file(file("out.onnx"));
  {
    const FullDisk full(best.size() / 2);
    const std::string text = message();
    EXPECT_THAT(text, HasSubstr("out.onnx"));
    EXPECT_THAT(text, HasSubstr("choose another path or free some space"));
  }
  EXPECT_EQ(read_file(file("out.onnx.checkpoint")), state);
  EXPECT_EQ(read_file(file("out.onnx")), best);
  (void)run();
  EXPECT_EQ(read_file(file("out.onnx")), expected);
}

TEST_F(FinetuneFaults, DataThatGoesAwayStopsTrainingWhichThenGoesOnWhereItStopped) {
  const std::string expected = undisturbed();
  constexpr std::int64_t kOneEpochAndAHalf = 18;  // of 12 batches
  EXPECT_THAT(message_without_data(kOneEpochAndAHalf, false),
              ::testing::AllOf(HasSubstr("sample"), HasSubstr("cannot be read")));
  EXPECT_TRUE(fs::exists(file("out.onnx.checkpoint")));
  const report::Finetuning made = run();
  EXPECT_EQ(made.resumed_epochs, 1);
  EXPECT_EQ(read_file(file("out.onnx")), expected);
}

TEST_F(FinetuneFaults, AnEpochOfBrokenSamplesAloneIsAnError) {
  constexpr std::int64_t kOneEpoch = 12;
  EXPECT_THAT(message_without_data(kOneEpoch, true),
              HasSubstr("epoch 2: none of the 192 training samples of bright channels"));
}

/// Trains an epoch, then goes on at a rate that no network bears.
class FinetuneDiverges : public FinetuneFaults, public ::testing::WithParamInterface<bool> {};
INSTANTIATE_TEST_SUITE_P(FinetuneFaults,
                         FinetuneDiverges,
                         ::testing::Bool(),
                         [](const auto& is_float) {
                           return is_float.param ? "Float" : "Quantized";
                         });

TEST_P(FinetuneDiverges, SaysSinceWhenAndKeepsTheLastGoodState) {
  options_.float_network = GetParam();
  options_.on_epoch = [&](const report::EpochRecord& record) {
    if (record.epoch == 1) request_interrupt();
  };
  EXPECT_THROW((void)run(), Interrupted);
  const std::string best = read_file(file("out.onnx"));
  options_.on_epoch = {};
  options_.trainer.optimizer.rate = 1e8;
  // As if the checkpoint were of this rate: otherwise training would start again.
  NamedTensors content =
      read_named_tensors(file("out.onnx.checkpoint"), "ompq-finetune-checkpoint/1");
  content.options = named_choices(options_);
  write_named_tensors(file("out.onnx.checkpoint"), content);
  const std::string kept = read_file(file("out.onnx.checkpoint"));
  const std::string text = message();
  EXPECT_THAT(text, HasSubstr("epoch 2"));
  EXPECT_THAT(text, ::testing::ContainsRegex("in batch [0-9]+, after [0-9]+ steps"));
  EXPECT_THAT(text, HasSubstr("lower --lr"));
  EXPECT_EQ(text.find("--from") == std::string::npos, GetParam()) << text;
  EXPECT_THAT(text, HasSubstr(file("out.onnx").string()));
  EXPECT_EQ(read_file(file("out.onnx.checkpoint")), kept)
      << "the state after a failed batch was kept";
  EXPECT_EQ(read_file(file("out.onnx")), best);
}

}  // namespace
}  // namespace ompq::qat
