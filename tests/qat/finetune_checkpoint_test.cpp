#include "ompq/qat/finetune_checkpoint.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spdlog/sinks/ringbuffer_sink.h>
#include <spdlog/spdlog.h>

#include "ompq/core/atomic_file.h"
#include "ompq/core/error.h"
#include "ompq/core/log.h"
#include "ompq/core/named_tensors_file.h"
#include "qat/finetune_case.h"

namespace ompq::qat {
namespace {

using ::testing::HasSubstr;

/// A run of other options was stopped at the same output.
class FinetuneCheckpoint : public FinetuneTest {
 protected:
  FinetuneCheckpoint() {
    options_.float_network = true;
    options_.epochs = 2;
    (void)run();
    undisturbed_ = read_file(file("out.onnx"));
    options_.trainer.optimizer.rate = 0.01;
    options_.on_epoch = [](const report::EpochRecord&) { request_interrupt(); };
    EXPECT_THROW((void)run(), Interrupted);
    options_.on_epoch = {};
    options_.trainer.optimizer.rate = 0.02;
    log().sinks().push_back(lines_);
  }
  ~FinetuneCheckpoint() override { log().sinks().pop_back(); }

  /// The run goes on as if nothing were there, and what was there is kept under another name.
  void expect_moved(const std::string& kept, const std::string& name, const std::string& reason) {
    const report::Finetuning made = run();
    EXPECT_EQ(made.resumed_epochs, 0);
    EXPECT_EQ(read_file(file("out.onnx")), undisturbed_);
    EXPECT_EQ(read_file(file(name)), kept);
    EXPECT_FALSE(fs::exists(checkpoint_));
    int told = 0;
    for (const std::string& line : lines_->last_formatted()) {
      if (line.find(checkpoint_.string()) == std::string::npos) continue;
      ++told;
      EXPECT_THAT(line, ::testing::AllOf(HasSubstr(reason), HasSubstr(file(name).string())));
    }
    EXPECT_EQ(told, 1);
  }

  fs::path checkpoint_ = file("out.onnx.checkpoint");
  std::string undisturbed_;
  std::shared_ptr<spdlog::sinks::ringbuffer_sink_mt> lines_ =
      std::make_shared<spdlog::sinks::ringbuffer_sink_mt>(64);
};

TEST_F(FinetuneCheckpoint, OfOtherOptionsIsMovedAsideAndTheyAreNamed) {
  expect_moved(read_file(checkpoint_), "out.onnx.checkpoint.1", "--lr was 0.01 and is 0.02");
}

TEST_F(FinetuneCheckpoint, OfOtherSamplesIsMovedAside) {
  model_.sha256 = "another";
  expect_moved(read_file(checkpoint_), "out.onnx.checkpoint.1", "another model");
}

TEST_F(FinetuneCheckpoint, ThatIsCutShortOrOfAnotherVersionIsMovedAside) {
  const std::string cut = read_file(checkpoint_).substr(0, 5000);
  write_file_atomically(checkpoint_, cut);
  write_file_atomically(file("out.onnx.checkpoint.1"), "kept by an earlier run");
  expect_moved(cut, "out.onnx.checkpoint.2", "damaged or truncated");
  EXPECT_EQ(read_file(file("out.onnx.checkpoint.1")), "kept by an earlier run");
  write_file_atomically(checkpoint_, "ompq-named-tensors/7\nwhat is not known yet");
  (void)run();
  EXPECT_TRUE(fs::exists(file("out.onnx.checkpoint.3")));
}

TEST_F(FinetuneCheckpoint, ThatIsNoneIsRefusedBeforeTheWorkAndNotTouched) {
  write_file_atomically(checkpoint_, "notes");
  fs::remove(file("out.onnx"));
  EXPECT_THAT(message(),
              ::testing::AllOf(HasSubstr(checkpoint_.string()), HasSubstr("--checkpoint")));
  EXPECT_EQ(read_file(checkpoint_), "notes");
  EXPECT_FALSE(fs::exists(file("out.onnx")));
}

constexpr std::string_view kCheckpoint010 = "ompq-finetune-checkpoint/1";

/// A checkpoint that version 0.1.0 wrote after two epochs, copied into `folder`.
NamedTensors checkpoint_010(const fs::path& copy) {
  fs::copy_file(testing::source_dir() / "tests/qat/finetune-0.1.0.checkpoint", copy);
  return read_named_tensors(copy, kCheckpoint010);
}

TEST(Checkpoint, OfVersion010IsRead) {
  const testing::TemporaryDirectory folder;
  const fs::path copy = folder / "checkpoint";
  const NamedTensors content = checkpoint_010(copy);
  const auto read = read_checkpoint(copy, {content.fingerprint, content.options});
  ASSERT_TRUE(read);
  EXPECT_EQ(read->progress.epoch, 2);
  EXPECT_EQ(read->progress.rate, 0.0004999998629221736);
  ASSERT_EQ(read->progress.epochs.size(), 2U);
  EXPECT_EQ(read->progress.epochs[1].step, 2);
  EXPECT_EQ(read->progress.best.epoch, 0);
  EXPECT_FALSE(read->state.empty());
  // Written again, it says the same.
  write_checkpoint(copy, {content.fingerprint, content.options}, read->progress, read->state);
  EXPECT_EQ(read_named_tensors(copy, kCheckpoint010).metadata, content.metadata);
}

TEST(Checkpoint, WithAFieldOfAnotherTypeIsMovedAsideAndTheFieldNamed) {
  const testing::TemporaryDirectory folder;
  const fs::path copy = folder / "checkpoint";
  NamedTensors content = checkpoint_010(copy);
  const std::string field = "\"epoch\":2,";
  content.metadata.replace(content.metadata.find(field), field.size(), "\"epoch\":\"two\",");
  write_named_tensors(copy, content);
  const auto lines = std::make_shared<spdlog::sinks::ringbuffer_sink_mt>(8);
  log().sinks().push_back(lines);
  EXPECT_FALSE(read_checkpoint(copy, {content.fingerprint, content.options}));
  log().sinks().pop_back();
  EXPECT_TRUE(fs::exists(folder / "checkpoint.1"));
  ASSERT_EQ(lines->last_formatted().size(), 1U);
  EXPECT_THAT(lines->last_formatted().front(),
              HasSubstr(R"("epoch" is "two"; it must be a whole number)"));
}

}  // namespace
}  // namespace ompq::qat
