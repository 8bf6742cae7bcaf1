#include "ompq/qat/finetune_checkpoint.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spdlog/sinks/ringbuffer_sink.h>
#include <spdlog/spdlog.h>

#include "ompq/core/atomic_file.h"
#include "ompq/core/error.h"
#include "ompq/core/log.h"
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
    const auto named = options_.named;
    options_.named = {{"--lr", "0.01"}};
    options_.trainer.optimizer.rate = 0.01;
    options_.on_epoch = [](const report::EpochRecord&) { request_interrupt(); };
    EXPECT_THROW((void)run(), Interrupted);
    options_.on_epoch = {};
    options_.named = named;
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
  options_.named = {{"--lr", "0.01"}};
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

}  // namespace
}  // namespace ompq::qat
